/** What the service needs from the world. */
import type { StreamEntry } from '@holdfast/redis';
import type { Facts, Memory } from './core/facts.ts';
import type { Grid } from './core/grid.ts';
import type { Destination } from './core/links.ts';

/**
 * The device's Redis, read only. Everything rejects with a TransientError; at once while Redis is
 * away.
 */
export interface Store {
  readonly ready: boolean;
  facts(): Promise<Facts>;
  memory(): Promise<Memory>;
  /** The newest entries of the stream of readings, newest first. */
  newest(count: number): Promise<StreamEntry[]>;
  /** Entries behind `after`, oldest first, up to a time; `after` undefined = from `fromMs` on. */
  page(
    after: string | undefined,
    fromMs: number,
    toMs: number,
    count: number,
  ): Promise<StreamEntry[]>;
  /** The first `size` entries of each of `count` steps, from step `first` on. */
  windows(grid: Grid, size: number, first: number, count: number): Promise<StreamEntry[][]>;
  /** All events, oldest first. */
  events(): Promise<StreamEntry[]>;
  /** Gap records waiting to be delivered, oldest first. */
  gaps(destination: Destination, count: number): Promise<StreamEntry[]>;
}

/** What may change something; there only when the dashboard may. */
export interface Control {
  /** Switches measuring on or off; rejects with a TransientError. */
  setMeasuring(on: boolean): Promise<void>;
}
