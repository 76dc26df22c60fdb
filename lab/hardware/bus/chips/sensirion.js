/**
 * Chips that take commands and answer with words and checksums. One that has nothing to say does
 * not acknowledge a read, and an SCD4x takes few commands while it measures (data sheets of
 * SHT3x-DIS, SHT4x, SCD4x).
 */
import { Chip, checkedWord, clamp } from './registers.js';

function ticks(value, offset, span) {
  return clamp(((value + offset) / span) * 65535, 0, 65535);
}

/** A chip whose answer is read once. */
class CommandChip extends Chip {
  #answer;

  write(bytes) {
    const answer = this.command(bytes);
    this.#answer = Array.isArray(answer) ? answer : undefined;
    return answer !== false;
  }

  read(length) {
    const answer = this.#answer;
    this.#answer = undefined;
    return answer && Array.from({ length }, (_, i) => answer[i] ?? 0xff);
  }
}

const SHT_DEFAULTS = { temperature_celsius: 20, humidity_percent: 50 };

export class Sht3x extends CommandChip {
  constructor() {
    super(SHT_DEFAULTS);
  }

  command([high, low]) {
    if (low === undefined) return false;
    switch ((high << 8) | low) {
      case 0x2400:
      case 0x240b:
      case 0x2416: {
        const { temperature_celsius: t, humidity_percent: rh } = this.values;
        return [...checkedWord(ticks(t, 45, 175)), ...checkedWord(ticks(rh, 0, 100))];
      }
      case 0xf32d:
        return checkedWord(0x8010);
      case 0x3780:
      case 0x3682:
        return [...checkedWord(0x0123), ...checkedWord(0x4567)];
      default:
        return undefined;
    }
  }
}

export class Sht4x extends CommandChip {
  constructor() {
    super(SHT_DEFAULTS);
  }

  command([code, more]) {
    if (more !== undefined) return false;
    if (code === 0x89) return [...checkedWord(0x0ab1), ...checkedWord(0x2cd3)];
    if (code === 0x94) return undefined;
    if (![0xfd, 0xf6, 0xe0].includes(code)) return false;
    const { temperature_celsius: t, humidity_percent: rh } = this.values;
    return [...checkedWord(ticks(t, 45, 175)), ...checkedWord(ticks(rh, 6, 125))];
  }
}

const [START, STOP, READY, READ] = [0x21b1, 0x3f86, 0xe4b8, 0xec05];

export class Scd4x extends CommandChip {
  #measuring = false;

  constructor() {
    super({ co2_ppm: 600, ...SHT_DEFAULTS });
  }

  command([high, low]) {
    if (low === undefined) return false;
    const code = (high << 8) | low;
    if (this.#measuring && ![READ, READY, STOP].includes(code)) return false;
    if (code === START) this.#measuring = true;
    if (code === STOP) this.#measuring = false;
    if (code === READY) return checkedWord(this.#measuring ? 0x8006 : 0x8000);
    if (code === 0x3682) return [0xbe02, 0x7f07, 0x3bdd].flatMap(checkedWord);
    if (code !== READ) return undefined;
    const { co2_ppm: co2, temperature_celsius: t, humidity_percent: rh } = this.values;
    return [clamp(co2, 0, 65535), ticks(t, 45, 175), ticks(rh, 0, 100)].flatMap(checkedWord);
  }
}
