# CCSDS 121.0-B-3, written from the standard: size of the shortest coding of samples, and a decoder.
BLOCK = 16
_ALL_LEFT = 5


def _id_bits(bits):
    return 4 if bits > 8 else 3


def _mapped(sample, last, bits):
    """The mapped prediction error; the prediction is the previous sample."""
    error, margin = sample - last, min(last, (1 << bits) - 1 - last)
    if abs(error) > margin:
        return abs(error) + margin
    return 2 * error if error >= 0 else -2 * error - 1


def octets(samples, bits):
    """Size of the shortest coding."""
    total, at, last = bits, 0, samples[0]
    while at < len(samples):
        same = 0
        while at + same < len(samples) and samples[at + same] == last:
            same += 1
        blocks = same // BLOCK
        if blocks:
            to_the_end = at + BLOCK * blocks == len(samples)
            total += _id_bits(bits) + 1
            total += blocks if blocks < _ALL_LEFT else _ALL_LEFT if to_the_end else blocks + 1
            at += BLOCK * blocks
            continue
        errors = []
        for sample in samples[at : at + BLOCK]:
            errors.append(_mapped(sample, last, bits))
            last = sample
        coded = errors[at == 0 :]  # the very first sample is the reference
        costs = [len(coded) * bits, 1]
        for n in range(0, BLOCK, 2):
            both = errors[n] + errors[n + 1]
            costs[1] += both * (both + 1) // 2 + errors[n + 1] + 1
        for low in range((1 << _id_bits(bits)) - 2):
            costs.append(sum((error >> low) + 1 + low for error in coded))
        total += _id_bits(bits) + min(costs)
        at += BLOCK
    return (total + 7) // 8


class Reader:
    def __init__(self, data):
        self._data, self._at = data, 0

    def bits(self, n):
        value = 0
        for _ in range(n):
            value = value << 1 | self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def zeros(self):
        """Number of zero bits before the next 1 bit, which is consumed."""
        n = 0
        while not self.bits(1):
            n += 1
        return n


def decoded(data, count, bits):
    reader, samples, last = Reader(data), [], None
    id_bits = _id_bits(bits)
    while len(samples) < count:
        option = reader.bits(id_bits)
        extended = reader.bits(1) if option == 0 else 0
        coded = BLOCK
        if last is None:
            last = reader.bits(bits)
            coded -= 1
        if option == (1 << id_bits) - 1:
            errors = [reader.bits(bits) for _ in range(coded)]
        elif option:
            errors = [reader.zeros() << option - 1 for _ in range(coded)]
            errors = [error | reader.bits(option - 1) for error in errors]
        elif extended:
            errors = []
            for _ in range(BLOCK // 2):
                number, both = reader.zeros(), 0
                while (both + 1) * (both + 2) // 2 <= number:
                    both += 1
                second = number - both * (both + 1) // 2
                errors += [both - second, second]
            errors = errors[BLOCK - coded :]
        else:
            blocks = reader.zeros() + 1
            if blocks == _ALL_LEFT:
                blocks = (count - len(samples)) // BLOCK
            elif blocks > _ALL_LEFT:
                blocks -= 1
            samples += [last] * (BLOCK * blocks)
            continue
        if coded < BLOCK:
            samples.append(last)
        for error in errors:
            margin = min(last, (1 << bits) - 1 - last)
            if error <= 2 * margin:
                last += -(error + 1 >> 1) if error & 1 else error >> 1
            elif margin == last:
                last += error - margin
            else:
                last -= error - margin
            samples.append(last)
    return samples
