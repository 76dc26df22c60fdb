/** Makes readings as the sensor service does: epoch and sequence number first. */
export class FakeSensor {
  #epoch: string;
  #seq = 0;

  constructor(epoch = 'e1') {
    this.#epoch = epoch;
  }

  get seq(): number {
    return this.#seq;
  }

  /** The fields of the next reading. */
  next(further: Readonly<Record<string, string>> = {}): string[] {
    this.#seq += 1;
    const pairs = Object.entries({ temperature_celsius: '21.5', ...further }).flat();
    return ['_epoch', this.#epoch, '_seq', String(this.#seq), '_sensor', 'fake-1', ...pairs];
  }
}
