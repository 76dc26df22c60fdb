/** Numbers as chips send them. `offset` counts bytes; reading past the end gives 0. */

export function uint16(bytes: Uint8Array, offset = 0): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}

/** Two's complement, high byte first. */
export function int16(bytes: Uint8Array, offset = 0): number {
  return (uint16(bytes, offset) << 16) >> 16;
}

export function uint16LittleEndian(bytes: Uint8Array, offset = 0): number {
  return ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset] ?? 0);
}

export function int16LittleEndian(bytes: Uint8Array, offset = 0): number {
  return (uint16LittleEndian(bytes, offset) << 16) >> 16;
}

export function int8(byte: number | undefined): number {
  return ((byte ?? 0) << 24) >> 24;
}

/** A word as two bytes, high byte first. */
export function bigEndian(word: number): readonly [number, number] {
  return [(word >> 8) & 0xff, word & 0xff];
}
