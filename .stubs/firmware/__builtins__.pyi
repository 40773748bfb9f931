# Types of parameters of viper functions: pointers to octets, half words and words.
from typing import Protocol

class _Pointer(Protocol):
    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...

ptr8 = ptr16 = ptr32 = _Pointer
uint = int
