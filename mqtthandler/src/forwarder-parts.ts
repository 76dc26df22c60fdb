/** What a forwarder is made of, and what it tells. */
import type { Clock, Random } from '@holdfast/kit';
import type { MessagePacker } from './core/message.ts';
import type { RateLimits } from './core/rate.ts';
import type { LaneContext, LaneSettings, ReadLive } from './lane-context.ts';
import type { Destination, Ledger, Readings } from './ports.ts';
import type { SendGate } from './send-gate.ts';

export interface ForwarderEvents {
  link_up: { destination: string; address: string; maxPayloadBytes: number; maxInFlight: number };
  link_down: { destination: string; reason: string; detail?: string; unacknowledged: number };
  /** The first session after one that we ended ourselves. */
  link_resumed: ForwarderEvents['link_up'];
  link_closed: { destination: string; reason: string };
  connect_failed: {
    destination: string;
    code: string;
    error: string;
    attempt: number;
    delayMs: number;
  };
  cursor_loaded: { destination: string; kind: string; lastId: string };
  /** Everything in the stream is sent again, because `last_id` made no sense. */
  cursor_reset: { destination: string; reason: string; after?: string; newest?: string };
  /** The destination takes no messages for now: a topic that is denied, a quota. */
  sending_refused: { destination: string; code: string };
  reading_too_large: { destination: string; id: string; bytes: number };
  reading_refused: { destination: string; id: string };
  readings_removed: { destination: string; count: number };
  redis_failed: { error: string };
}

export type Report = <K extends keyof ForwarderEvents>(
  level: 'info' | 'warn',
  event: K,
  fields: ForwarderEvents[K],
) => void;

export interface ForwarderParts {
  readonly destination: Destination;
  readonly readings: Readings;
  readonly ledger: Ledger;
  readonly packer: MessagePacker;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: LaneSettings & {
    readonly backlogRate: RateLimits;
    /** Messages that may be unacknowledged, as configured. */
    readonly maxInFlight: number;
  };
  readonly report: Report;
  /** Replaces how the live lane gathers readings. */
  readonly readLive?: ReadLive;
  /** What a message must pass beside having a place in the window. */
  readonly gate?: SendGate;
  /** A further lane beside the others, which yields to the live one: what remote commands send. */
  readonly commandLane?: (context: LaneContext, signal: AbortSignal) => Promise<void>;
  /** Resolves true when Redis answers, false when the signal aborts before. */
  readonly redisReady: (signal: AbortSignal) => Promise<boolean>;
}
