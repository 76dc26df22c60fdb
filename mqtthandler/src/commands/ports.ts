/** What remote commands need from the world. */
import type { DeviceEvent } from '@holdfast/redis';
import type { ExportJob } from '../core/commands/export.ts';
import type { CommandPayload } from '../core/commands/parse.ts';
import type { CommandRecord } from '../core/commands/records.ts';
import type { SupervisorReply } from '../core/commands/reboot.ts';

/** A command as a transport hands it over. */
export interface CommandRequest {
  /** Where it came from and its answers go: `mqtt`, `hub`. */
  readonly source: string;
  /** Bytes, or what the transport has already parsed (a direct method's payload). */
  readonly payload: CommandPayload;
  /** The broker had kept it for whoever comes. */
  readonly retained: boolean;
  /** Names this delivery; the same in a second delivery of it. */
  readonly deliveryId: string;
  /** The transport says that it may have been delivered before. */
  readonly redelivered: boolean;
  /**
   * For transports that carry the first answer themselves (the response to a direct method): gets
   * its JSON text. Without it, or for further answers, the source's `AnswerSink` is used.
   */
  readonly respond?: (answer: string) => void;
}

/** The way back of one source, while its connection is up. */
export interface AnswerSink {
  /** Largest answer, bytes. */
  readonly maxBytes: number;
  /** Sends one answer, JSON text; true = delivered, or refused for good; never rejects. */
  send(answer: string): Promise<boolean>;
}

/** A command that was taken and is not finished. */
export interface InboxEntry {
  readonly entryId: string;
  readonly source: string;
  readonly recordKey: string;
  readonly signed: boolean;
  readonly text: string;
}

/** An answer not yet delivered. */
export interface OutboxEntry {
  readonly entryId: string;
  readonly source: string;
  readonly answer: string;
}

/** One step, carried out as a whole or not at all. */
export interface Change {
  /** The command is finished. */
  readonly doneEntryId?: string;
  readonly records?: readonly (readonly [recordKey: string, record: CommandRecord])[];
  readonly answers?: readonly Omit<OutboxEntry, 'entryId'>[];
  /** Redis keys and their new values; null = delete. */
  readonly keys?: readonly (readonly [key: string, value: string | null])[];
  /** Exports by record key; null = over. */
  readonly exports?: readonly (readonly [recordKey: string, job: ExportJob | null])[];
  readonly events?: readonly DeviceEvent[];
}

/** Commands, answers and what they touch. Everything rejects with Redis' or the connection's error. */
export interface CommandStore {
  /** The record of a command; undefined when it was never taken. */
  record(recordKey: string): Promise<CommandRecord | undefined>;
  /** Stores a command and its record in one step. */
  take(entry: Omit<InboxEntry, 'entryId'>, record: CommandRecord): Promise<void>;
  /** The oldest commands not yet finished. */
  inbox(count: number): Promise<InboxEntry[]>;
  apply(change: Change): Promise<void>;
  /** Answers after `afterEntryId`, oldest first. */
  outbox(afterEntryId: string, count: number): Promise<OutboxEntry[]>;
  delivered(entryId: string): Promise<void>;
  /** A string key; null = missing. */
  get(key: string): Promise<string | null>;
  /** Exports not yet over, in the order asked for. */
  exports(): Promise<ExportJob[]>;
  /** Whether there are readings in `(after, upTo]`. */
  anyReading(after: string, upTo: string): Promise<boolean>;
  /** Id of the newest reading; `0-0` for none. */
  newestId(): Promise<string>;
  /** The status hashes of all services by key, without the empty ones. */
  statuses(): Promise<Record<string, Record<string, string>>>;
  /** Forgets records beyond the limits. */
  prune(nowMs: number): Promise<void>;
}

/** Who can reboot the device. */
export interface Supervisor {
  /** Asks for a reboot; never rejects. */
  reboot(signal: AbortSignal): Promise<SupervisorReply>;
}
