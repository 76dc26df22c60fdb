/**
 * A sensor or its bus did not do what it should: reported, and the service goes on without it.
 * `code` is the kernel's (`ENXIO`, `EREMOTEIO`, `ETIMEDOUT`, `ENOENT`, ...) or one of ours:
 * - `WRONG_CHIP` another chip answers at this address
 * - `BAD_CALIBRATION` the chip's calibration cannot be true
 * - `CHIP_RESET` the chip has lost its settings since it was opened (power dip, replugged)
 * - `NOT_READY` a conversion took longer than the datasheet allows
 * - `BAD_CRC` the check sum of an answer is wrong
 * - `BUS_BLOCKED` another transfer holds the bus
 * - `NO_DATA` nothing could be measured at all
 */
export class HardwareError extends Error {
  override readonly name = 'HardwareError';
  readonly code: string;

  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
