/** What the button needs from the world. */
import type { Level, Pull } from './core/contact.ts';
import type { LineError } from './core/line-error.ts';

export interface LineListener {
  /** Called once, before any edge, with the level the line has. */
  onOpened(level: Level): void;
  /**
   * The level has changed. Edges may be joined or repeated, but the level of the last call is the
   * level of the line. `atMonotonicMs` does not run backwards. Exact: it is when the line changed,
   * told by who saw it, however late the call; otherwise it is when this program looked at the level.
   */
  onEdge(level: Level, atMonotonicMs: number, isExact: boolean): void;
  /** The line has gone; nothing is called after this. */
  onLost(error: LineError): void;
}

/** One input line of a GPIO chip, named by its BCM number. */
export interface GpioLine {
  /** Which interface this is, for logs and the status. */
  readonly backend: string;
  /** What a person should know about the line as it was opened, e.g. what could not be set. */
  readonly remarks: readonly string[];
  /** Starts listening; rejects with a LineError. May be tried again after a failure or `close`. */
  open(listener: LineListener): Promise<void>;
  /** Lets go of the line; never rejects, also when it is not open. */
  close(): Promise<void>;
}

export interface LineOptions {
  readonly pin: number;
  /** Set where the interface can; sysfs cannot. */
  readonly pull: Pull;
  /** Number of the kernel for the line 0 of the chip; undefined = look for the chip. */
  readonly sysfsBase?: number | undefined;
}

/** A light on an output line. */
export interface Lamp {
  /** Makes the line an output at level 0; rejects with a LineError. */
  open(): Promise<void>;
  /** Rejects with a LineError; the lamp has to be opened anew then. */
  show(level: Level): Promise<void>;
  /** Lets go of the line, at level 0 where it was shown last; never rejects. */
  close(): Promise<void>;
}

/** A short press toggles measuring, a long one asks for provisioning. */
export type PressKind = 'short' | 'long';

/** A press on its way to Redis. */
export interface Press {
  readonly kind: PressKind;
  /** Unique; the same in every attempt, so that a press whose answer was lost counts once. */
  readonly id: string;
  readonly atMonotonicMs: number;
}

export interface Toggled {
  /** `repeated`: an earlier attempt had been carried out. `expired`: too old, recorded as such. */
  readonly outcome: 'toggled' | 'repeated' | 'expired';
  readonly measuring: boolean;
}

/** Measuring on and off. */
export interface Measuring {
  /** Carries out a press; rejects when it is unknown whether it was carried out. */
  toggle(press: Press, ageMs: number): Promise<Toggled>;
  /** Resolves when an attempt makes sense, or when `signal` aborts. */
  untilReachable(signal: AbortSignal): Promise<void>;
}

/** Provisioning anew. */
export interface Provisioning {
  /** Asks for it; rejects when it is unknown whether that was carried out. */
  request(press: Press, ageMs: number): Promise<'requested' | 'repeated' | 'expired'>;
}

/** What the other services say, read when asked for; rejects when Redis cannot answer. */
export interface Facts {
  isMeasuring(): Promise<boolean>;
  /** `mqtthandler:status` */
  handlerStatus(): Promise<Readonly<Record<string, string>>>;
  /** Names of the fields of `sensor:status`. */
  sensorFields(): Promise<readonly string[]>;
}

export type StatusFields = Readonly<Record<string, string | number>>;

/** What others may see of this service. Kept while Redis is away and written when it is back. */
export interface Reports {
  status(fields: StatusFields): void;
  event(event: string, fields: StatusFields): void;
}
