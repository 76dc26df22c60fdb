/** What the lanes of one session share, and what they tell. */
import type { Clock } from '@holdfast/kit';
import type { Bell } from './bell.ts';
import type { Batch, Extent } from './core/batch.ts';
import type { Message, MessagePacker } from './core/message.ts';
import type { Flight, Stretch } from './flight.ts';
import type { Pacer } from './pacer.ts';
import type { Ledger, PublishOutcome, Readings, Session } from './ports.ts';
import type { Slots } from './slots.ts';

/**
 * Waits for readings after `after` and gathers what is to be sent; nothing on abort, or when there is
 * no news for a while. `exhausted` = it has seen the end of the stream.
 */
export type ReadLive = (context: LaneContext, after: string, signal: AbortSignal) => Promise<Batch>;

/** What the lanes of one session share. */
export interface LaneContext {
  readonly clock: Clock;
  readonly readings: Readings;
  readonly ledger: Ledger;
  readonly flight: Flight;
  readonly slots: Slots;
  /** The backlog's own speed limit. */
  readonly pacer: Pacer;
  readonly packer: MessagePacker;
  readonly session: Session;
  /** For messages of several readings: what the session takes, or less where that was learned. */
  readonly maxMessageBytes: () => number;
  readonly settings: LaneSettings;
  /** Gap records sent in this session and not yet deleted. */
  readonly gapsUnderway: Set<string>;
  /** Rung when a gap record was stored, or a range was closed. */
  readonly moreWork: Bell;
  /** `mqtt_sender:interval` or its like, seconds. */
  readonly intervalSeconds: () => number;
  /** How the live lane reads, where that depends on the destination. */
  readonly readLive?: ReadLive | undefined;
  /**
   * What was read in order directly after `after`, before it is sent; `end` when there is nothing
   * more up to there.
   */
  readonly onRead: (
    lane: LaneName,
    after: string,
    read: Extent,
    end: string | undefined,
  ) => Promise<void>;
  /** A message was sent and answered; the stretch is still under way. */
  readonly onOutcome: (sent: SentMessage, outcome: PublishOutcome) => void;
  /** Nothing new for a few seconds: a good time to look after the cursor. */
  readonly onIdle: () => Promise<void>;
  /** The live lane cannot keep up: part the lanes. */
  readonly onBehind: () => Promise<void>;
  /** An entry larger than a message may be; resolves when it was put aside. */
  readonly onTooLarge: (id: string, stretch: Stretch) => Promise<void>;
}

export type LaneName = 'live' | 'backlog' | 'gaps';

export interface LaneSettings {
  readonly lanes: 1 | 2;
  readonly maxReadings: number;
  readonly backlogOrder: 'oldest' | 'newest';
}

export interface SentMessage {
  readonly lane: LaneName;
  readonly message: Message;
  /** Undefined for gap records, which have no part in the stream of readings. */
  readonly stretch: Stretch | undefined;
  /** Ids of the gap records in the message; empty for readings. */
  readonly gapIds: readonly string[];
}
