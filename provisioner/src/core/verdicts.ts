/** The words of the decision table (decisions.ts): cases, verdicts, waits. */
import type { DpsOutcome, HubOutcome, KernelClock } from './outcome.ts';

/** Beyond this a hub and DPS refuse a token: the clock is at fault, not the key. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;
/** A connection that held for so long was a good one. */
export const GOOD_CONNECTION_MS = 60_000;

/**
 * How long to wait: `retry_after` what DPS said, never shortened; `fleet` the fleet formula; `busy`
 * exponential from 5 s; `refused` the slow retry; `fruitless` at once, then slower with every
 * registration that led nowhere; `interval` the shortest time between two registrations.
 */
export type Wait =
  'none' | 'retry_after' | 'fleet' | 'busy' | 'refused' | 'fruitless' | 'interval' | 'poll';

/** The part of the state in which DPS is waited for. */
export type Pause = 'waiting' | 'blocked' | 'clock_wrong';

export type DpsVerdict =
  | { readonly do: 'adopt' }
  | { readonly do: 'poll'; readonly wait: Wait }
  | {
      readonly do: 'ask';
      /** `same` = what was asked; a poll whose operation is lost becomes a registration. */
      readonly question: 'register' | 'lookup' | 'same';
      readonly pause: Pause;
      readonly wait: Wait;
    };

export type HubVerdict =
  | { readonly do: 'settle' }
  /** A fresh token for the same hub; the next attempt is the mqtthandler's own. */
  | { readonly do: 'renew_token' }
  /** The same hub again, and after `HUB_RETRY_MINUTES` DPS is asked; `hold` = not before a wait. */
  | { readonly do: 'same_hub'; readonly hold: boolean }
  /** The same hub after a long wait; DPS cannot help. */
  | { readonly do: 'leave_alone' }
  | { readonly do: 'ask'; readonly question: 'register' | 'lookup'; readonly wait: Wait };

export interface DpsCase extends DpsOutcome {
  /** By how much the server's clock differs from the one we signed with; missing = not known. */
  readonly skewMs: number | undefined;
  /** How long this operation has been `assigning`, and may be. */
  readonly assigningMs: number;
  readonly assigningLimitMs: number;
}

export interface HubCase {
  readonly outcome: HubOutcome;
  /** Refusals in a row, this one included. */
  readonly refusals: number;
  /** Short connections in a row, this one included when it is one. */
  readonly drops: number;
  /** How long the lost connection held. */
  readonly heldMs: number;
  readonly kernelClock: KernelClock;
  /** DPS was asked by lookup since the last connection and said: this hub. */
  readonly looked: boolean;
  /** False = the assignment is fixed by a variable. */
  readonly hasDps: boolean;
}

export interface RowText {
  /** Unique; also the reason shown in `provisioning:state`. */
  readonly id: string;
  readonly outcome: string;
  readonly means: string;
  readonly action: string;
}
export interface DpsRow extends RowText {
  readonly fits: (c: DpsCase) => boolean;
  readonly verdict: DpsVerdict;
}
export interface HubRow extends RowText {
  readonly fits: (c: HubCase) => boolean;
  readonly verdict: HubVerdict;
}
