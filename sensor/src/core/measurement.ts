/** What a driver hands over for one measurement. */
import type { Quality } from '@holdfast/redis';

/** Quantity with its unit in the name -> value. A quantity that is not known at present is missing. */
export type Quantities = Readonly<Record<string, number>>;

export interface Measurement {
  readonly quantities: Quantities;
  /**
   * What the driver knows against these values: `warming_up` (the chip has not settled), `stale`
   * (nothing new since the last measurement), `bus_error` (a part of the answer was broken and is
   * missing). Missing = nothing. Ranges and stuck values are judged elsewhere.
   */
  readonly quality?: Extract<Quality, 'warming_up' | 'stale' | 'bus_error'>;
  /** The numbers as the chip gave them, to notice one that is stuck; missing = not to be compared. */
  readonly raw?: readonly number[];
}
