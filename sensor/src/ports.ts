/** What the service needs from the world. Units are in the names; failures are said at each method. */
import type { Reading } from '@holdfast/redis';
import type { Measurement } from './core/measurement.ts';
import type { DriverForm, SensorOptions } from './core/options.ts';
import type { QuantityRanges } from './core/quality.ts';
import type { StuckRule } from './core/stuck.ts';

/**
 * One I2C bus. The two register methods are SMBus block transfers (one transaction with a repeated
 * start, served by every controller); `read` and `write` are plain transfers for chips that take
 * commands instead of registers (Sensirion and others).
 *
 * Every method rejects with a HardwareError: `ENXIO`, `EREMOTEIO` or `ENODEV` when nobody answers at
 * the address, `ENOENT` or `EACCES` when there is no such bus or no permission, `ETIMEDOUT` when the
 * transfer took too long, `BUS_BLOCKED` when the bus did not become free, `EIO` for a broken or short
 * transfer. A read that resolves has exactly the length asked for.
 */
export interface I2cBus {
  /** Reads 1 to 32 bytes from consecutive registers. */
  readRegisters(address: number, register: number, length: number): Promise<Uint8Array>;
  /** Writes 1 to 32 bytes to consecutive registers. */
  writeRegisters(address: number, register: number, bytes: readonly number[]): Promise<void>;
  read(address: number, length: number): Promise<Uint8Array>;
  write(address: number, bytes: readonly number[]): Promise<void>;
}

/** The I2C buses of this machine, or of a simulator in its place. */
export interface I2cBuses {
  /** Numbers of the buses there are at present; rejects with a HardwareError when nobody can tell. */
  list(): Promise<readonly number[]>;
  /** The bus with this number, always the same object; a missing bus fails at the first transfer. */
  bus(number: number): I2cBus;
  close(): Promise<void>;
}

/** A sensor that has been identified and set up. */
export interface Probe {
  /**
   * Measures once; rejects with a HardwareError. After `BAD_CRC`, `EIO` and `NOT_READY` it may be
   * asked again, after any other error the probe is not used any more.
   */
  measure(): Promise<Measurement>;
}

/** A sensor at its place, ready to be opened as often as it is lost and found. */
export interface Sensor {
  /** Stable on this device: `host`, `bme280-1-76`. */
  readonly id: string;
  readonly ranges: QuantityRanges;
  readonly stuck: StuckRule;
  /** Identifies the chip and brings it into a known state; rejects with a HardwareError. */
  open(): Promise<Probe>;
}

/** One address of a bus, as a driver sees it; the methods are those of I2cBus. */
export interface ChipLink {
  readRegisters(register: number, length: number): Promise<Uint8Array>;
  writeRegisters(register: number, bytes: readonly number[]): Promise<void>;
  read(length: number): Promise<Uint8Array>;
  write(bytes: readonly number[]): Promise<void>;
  sleepMs(delayMs: number): Promise<void>;
  monotonicMs(): number;
}

/** A driver for a chip on I2C. Decoding is pure and lives in `core/chips/`; this is the thin rest. */
export interface I2cDriver extends DriverForm {
  readonly name: string;
  /** Physical range and resolution of each quantity, from the datasheet. */
  readonly ranges: QuantityRanges;
  /** Its raw numbers have so much noise that many identical ones in a row mean a dead chip. */
  readonly noisy?: boolean;
  /**
   * Whether this very chip answers at the address, told by its identity register or a serial number
   * with a check sum. Must not disturb other chips that live there: no data byte is written to any
   * register. Rejects as the bus does. Missing: the chip cannot be told, the user has to name it.
   */
  readonly identify?: (chip: ChipLink) => Promise<boolean>;
  /** @param options complete, with defaults filled in */
  readonly open: (chip: ChipLink, options: SensorOptions) => Promise<Probe>;
}

/** How an attempt to store a reading ended. */
export type AppendOutcome =
  | { readonly kind: 'stored' }
  /** Redis has reached its memory limit; the reading was not stored. */
  | { readonly kind: 'full' }
  /** Redis answered with another error; the reading was not stored. */
  | { readonly kind: 'refused'; readonly code: string }
  /** The connection failed: the reading may have been stored or not. */
  | { readonly kind: 'unknown'; readonly code: string };

/** Where readings are kept. */
export interface ReadingStore {
  /** Whether it can be asked at this moment. */
  readonly ready: boolean;
  /** Resolves true when it can be asked, false when `signal` aborts before. */
  untilReady(signal: AbortSignal): Promise<boolean>;
  /**
   * Stores a reading and gives it the next sequence number, in one step. Never rejects.
   * @param retry an earlier attempt ended `unknown`: do not store it twice
   * @param skipped readings lost just before this one; they get numbers and a gap record
   */
  append(reading: Reading, retry: boolean, skipped: number): Promise<AppendOutcome>;
}

/** A file of lines beside the memory. Every method rejects with the file system's error. */
export interface PendingFile {
  readonly path: string;
  /** Rejects when nothing can be written there. */
  check(): Promise<void>;
  /** None when there is no file; without what was cut off while it was written, after the last end of a line. */
  lines(): AsyncIterable<string>;
  /**
   * Puts the lines in the place of what was there, all or nothing.
   * @param onCard on the card when it resolves; else it outlives this process, not a power cut
   */
  replace(lines: Iterable<string>, onCard: boolean): Promise<void>;
  /** On the card when it resolves. */
  append(lines: Iterable<string>): Promise<void>;
  remove(): Promise<void>;
  /** Puts it aside for people to look at; returns where it is. */
  quarantine(nowMs: number): Promise<string>;
}
