/** The service's log events, and what the loops have in common. */
import type { Clock, Log, Random } from '@holdfast/kit';
import type { Reports } from './ports.ts';

/** A type alias, not an interface: a map of events needs an index signature. */
export type ButtonLog = {
  readonly started: { readonly pin: number; readonly backend: string };
  readonly line_opened: { readonly pin: number; readonly backend: string; readonly level: number };
  readonly line_remark: { readonly pin: number; readonly remark: string };
  readonly pin_conflict: {
    readonly pin: number;
    readonly sensors: string;
    readonly remedy: string;
  };
  readonly lamp_missing: { readonly pin: number; readonly code: string; readonly error: string };
  readonly line_missing: {
    readonly code: string;
    readonly error: string;
    readonly attempt: number;
    readonly delayMs: number;
  };
  readonly toggled: { readonly press: string; readonly measuring: boolean };
  readonly reprovision_requested: { readonly press: string };
  readonly press_discarded: { readonly press: string; readonly ageMs: number };
  readonly press_failed: { readonly code: string; readonly error: string };
  readonly presses_abandoned: { readonly presses: number };
  readonly redis_error: { readonly code: string; readonly error: string };
};

export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log<ButtonLog>;
  readonly reports: Reports;
}
