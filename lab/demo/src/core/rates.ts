/** How often something happens: per second over the last seconds, and per second of the past. */

const WINDOW_MS = 3_000;
const HISTORY_SECONDS = 240;

export class Rate {
  /** Time and number of what happened within the window. */
  #recent: { readonly atMs: number; readonly count: number }[] = [];
  readonly #perSecond = new Map<number, number>();
  #firstMs: number | undefined;

  /** `atMs`: monotonic milliseconds; may come late. */
  add(atMs: number, count = 1): void {
    this.#firstMs = Math.min(this.#firstMs ?? atMs, atMs);
    this.#recent.push({ atMs, count });
    const second = Math.floor(atMs / 1_000);
    this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + count);
    this.#perSecond.delete(second - HISTORY_SECONDS);
  }

  /** Mean of the last seconds; of the time since the first when that is shorter. */
  perSecond(nowMs: number): number {
    this.#recent = this.#recent.filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
    const sum = this.#recent.reduce((total, { count }) => total + count, 0);
    const sinceMs = nowMs - (this.#firstMs ?? nowMs);
    return sum / (Math.min(WINDOW_MS, Math.max(1_000, sinceMs)) / 1_000);
  }

  /** Numbers of the last `seconds` whole seconds, oldest first; nothing before the first. */
  history(nowMs: number, seconds: number): number[] {
    if (this.#firstMs === undefined) return [];
    const end = Math.floor(nowMs / 1_000);
    const begin = Math.max(end - seconds, Math.floor(this.#firstMs / 1_000));
    return Array.from({ length: end - begin }, (_, i) => this.#perSecond.get(begin + i) ?? 0);
  }
}
