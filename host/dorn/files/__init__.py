"""Readers of third-party spectrum files: each handles one format, independently of the instrument."""

# suffix -> name of its type in SpecUtils.ParserType, of the formats that only SpecUtils reads
BY_SPEC_UTILS = {
    ".pcf": "Pcf",
    ".cnf": "Cnf",
    ".spc": "Spc",
    ".tka": "Tka",
    ".phd": "Phd",
    ".lzs": "Lzs",
    ".gxml": "CaenHexagonGXml",
}
KINDS = (  # of spectra, in messages; here, where nothing heavy is imported, for the help
    ".spe, .chn, .n42, .json (Gamma-MCA), .xml (RadiaCode), .mca (Amptek), .mcd, .mpa, .asc (FAST ComTec), "
    ".dat (ORTEC), .iec, .root, columns (.csv, .txt, any other), with SpecUtils "
    f"{', '.join(BY_SPEC_UTILS)} and N42-2006"
)
