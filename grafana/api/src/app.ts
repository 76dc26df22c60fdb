/** Answers the questions of the contract from what is known, for all viewers at once. */
import type { Clock } from '@holdfast/kit';
import { Cache } from './core/cache.ts';
import { columnar } from './core/columnar.ts';
import { LIMITS, OVERVIEW, TABLE_ROUTES } from './core/contract/index.ts';
import type { Row, TableName } from './core/contract/index.ts';
import type { Curve, Frame } from './core/curve.ts';
import { eventOf, eventRow } from './core/events.ts';
import type { Event } from './core/events.ts';
import type { Knowledge } from './core/facts.ts';
import { lossRows } from './core/gaps.ts';
import { gridKey } from './core/grid.ts';
import { History, SAMPLE_MS, sampleOf } from './core/history.ts';
import { latestRows, quantityRows, readingRows, sensorRows } from './core/latest.ts';
import { linkRows } from './core/links.ts';
import type { Destination } from './core/links.ts';
import { provisioningRow } from './core/provisioning.ts';
import { rangeOf, wanted } from './core/query.ts';
import type { Query, Range } from './core/query.ts';
import { serviceRows } from './core/services.ts';
import { changeOf, present, stateRows } from './core/states.ts';
import { statusRow } from './core/status.ts';
import { byImportance } from './core/units.ts';
import { Knower, LIVE_TTL_MS } from './knowledge.ts';
import type { KnowerOptions } from './knowledge.ts';
import { Series } from './series.ts';
import { Turnstile } from './turnstile.ts';

const DAY_MS = 86_400_000;
const OVERVIEW_EVENTS = 50;
/** Gap records looked at; more than these are only counted in `status`. */
const GAP_RECORDS = 200;
const BODY_CACHE_BYTES = 8_000_000;

/** An answer as it goes out. */
export interface Answer {
  readonly body: Buffer;
}

export class Dashboard {
  readonly #options: KnowerOptions;
  readonly #knower: Knower;
  readonly #series: Series;
  readonly #history = new History();
  readonly #bodies: Cache<Answer>;
  readonly #events: Cache<readonly Event[]>;

  constructor(options: KnowerOptions) {
    const { store, clock } = options;
    this.#options = options;
    this.#knower = new Knower(options);
    this.#series = new Series(store, clock, new Turnstile(clock));
    const nowMs = () => clock.monotonicMs();
    this.#bodies = new Cache(nowMs, BODY_CACHE_BYTES, ({ body }) => body.length);
    this.#events = new Cache(nowMs, 1, () => 0);
  }

  /** Takes a sample of the figures every 10 s until `signal` aborts. */
  async keepHistory(signal: AbortSignal): Promise<void> {
    const clock: Clock = this.#options.clock;
    while (!signal.aborted) {
      // While Redis is away there is nothing to take; the next one shows the hole.
      const known = this.#options.store.ready
        ? await this.#knower.now().catch(() => undefined)
        : undefined;
      if (known !== undefined) this.#history.add(sampleOf(known, clock.monotonicMs()));
      await clock.sleepMs(SAMPLE_MS, signal);
    }
  }

  /** The rows of a table; rejects with a Refusal, or as the store does. */
  async table(name: TableName, query: Query): Promise<Answer> {
    if (name === 'series') return this.#seriesRows(query);
    const key = `${name}?${queryKey(query)}`;
    return this.#body(key, LIVE_TTL_MS, async () => this.#rows(name, query));
  }

  /** What the page shows beside its curves. */
  async overview(): Promise<Answer> {
    return this.#body('overview', LIVE_TTL_MS, async () => {
      const day = { numbers: new Map([['limit', OVERVIEW_EVENTS]]), lists: new Map() };
      day.numbers.set('from', Math.max(0, this.#options.clock.nowMs() - DAY_MS));
      const tables = OVERVIEW.map(async (name) => [name, await this.#rows(name, day)] as const);
      return Object.fromEntries(await Promise.all(tables));
    });
  }

  /** Curves as columns, for the page. */
  async curves(query: Query): Promise<Answer> {
    const { frame, ttlMs, key } = await this.#frame(query);
    return this.#body(`curves?${key}`, ttlMs, async () => {
      const found = await frame();
      return columnar(found, ordered(found, query));
    });
  }

  async #seriesRows(query: Query): Promise<Answer> {
    const { frame, ttlMs, key } = await this.#frame(query);
    return this.#body(`series?${key}`, ttlMs, async () => {
      const { mode, ...found } = await frame();
      return ordered(found, query).flatMap(({ sensor, quantity, points }): Row[] =>
        points.map(({ timeMs, value, min, max, count }) => {
          return { time: timeMs, sensor, quantity, value, min, max, count, mode };
        }),
      );
    });
  }

  /** The curves a query asks for: how to get them, and the key that all who ask alike share. */
  async #frame(query: Query) {
    const range = rangeOf(query, this.#options.clock.nowMs());
    const known = await this.#knower.now();
    const grid = this.#series.grid(range, query.numbers.get('points') ?? LIMITS.defaultPoints);
    return {
      frame: async () => {
        const frame = await this.#series.frame(grid, known);
        // Fewer points for many curves: an answer has its limit.
        const most = Math.floor(LIMITS.maxRows / Math.max(1, ordered(frame, query).length));
        return frame.grid.steps <= most ? frame : this.#series.coarser(frame.grid, most, known);
      },
      ttlMs: this.#series.ttlMs(grid),
      key: `${gridKey(grid)}&${namesKey(query)}`,
    };
  }

  async #rows(name: Exclude<TableName, 'series'>, query: Query): Promise<readonly Row[]> {
    const known = await this.#knower.now();
    const sensor = wanted(query, 'sensor');
    switch (name) {
      case 'latest': {
        const quantity = wanted(query, 'quantity');
        return latestRows(known).filter(
          (r) => sensor(text(r['sensor'])) && quantity(text(r['quantity'])),
        );
      }
      case 'sensors':
        return sensorRows(known).filter((row) => sensor(text(row['sensor'])));
      case 'quantities':
        return quantityRows(known, sensor);
      case 'readings':
        return this.#newestReadings(query, sensor);
      case 'services':
        return serviceRows(known);
      case 'links':
        return linkRows(known);
      case 'provisioning':
        return [provisioningRow(known)];
      case 'status':
        return [statusRow(known)];
      case 'states':
      case 'events':
      case 'gaps':
      case 'history':
        return this.#rowsOverTime(name, query, known);
    }
  }

  async #rowsOverTime(
    name: 'states' | 'events' | 'gaps' | 'history',
    query: Query,
    known: Knowledge,
  ): Promise<readonly Row[]> {
    const { fromMs, toMs } = rangeOf(query, known.now.wallMs);
    const inside = ({ timeMs }: Event) => timeMs >= fromMs && timeMs <= toMs;
    switch (name) {
      case 'history':
        return this.#history.rows(
          fromMs,
          toMs,
          query.numbers.get('points') ?? LIMITS.defaultPoints,
        );
      case 'gaps':
        return this.#gaps({ fromMs, toMs });
      case 'states': {
        const events = await this.#allEvents();
        const changes = events.flatMap((event) => changeOf(event) ?? []);
        const subject = wanted(query, 'subject');
        const current = present(known).filter((one) => subject(one.subject));
        const asked = changes.filter((one) => subject(one.subject));
        return stateRows(asked, current, fromMs, toMs, events[0]?.timeMs ?? toMs);
      }
      case 'events': {
        const [service, event] = [wanted(query, 'service'), wanted(query, 'event')];
        const limit = query.numbers.get('limit') ?? LIMITS.defaultEvents;
        const asked = (one: Event) => inside(one) && service(one.service) && event(one.event);
        return (await this.#allEvents()).filter(asked).slice(-limit).map(eventRow);
      }
    }
  }

  async #newestReadings(query: Query, sensor: (id: string) => boolean): Promise<readonly Row[]> {
    const limit = query.numbers.get('limit') ?? LIMITS.defaultReadings;
    // A sensor among others: some more are looked at, not the whole buffer.
    const depth = query.lists.has('sensor') ? 4 * limit + LIMITS.maxReadings : limit;
    const rows = readingRows(await this.#options.store.newest(depth));
    return rows.filter((row) => sensor(text(row['sensor']))).slice(0, limit);
  }

  async #gaps({ fromMs, toMs }: Range): Promise<readonly Row[]> {
    const { store } = this.#options;
    // Before the records: an event whose record was not there yet would count as delivered.
    const events = await this.#allEvents();
    const waiting = async (destination: Destination) => {
      const records = await store.gaps(destination, GAP_RECORDS);
      return { records, complete: records.length < GAP_RECORDS };
    };
    const [mqtt, hub] = await Promise.all([waiting('mqtt'), waiting('hub')]);
    return lossRows(events, { mqtt, hub }).filter(
      ({ time }) => Number(time) >= fromMs && Number(time) <= toMs,
    );
  }

  async #allEvents(): Promise<readonly Event[]> {
    return this.#events.get('', LIVE_TTL_MS, async () => {
      return (await this.#options.store.events()).map(eventOf);
    });
  }

  async #body(key: string, ttlMs: number, make: () => Promise<unknown>): Promise<Answer> {
    return this.#bodies.get(key, ttlMs, async () => ({
      body: Buffer.from(JSON.stringify(await make())),
    }));
  }
}

/** Ranges that begin and end within the same two seconds are the same question. */
function queryKey(query: Query): string {
  const seconds = (name: string) => Math.floor((query.numbers.get(name) ?? -1) / 2_000);
  const { numbers } = query;
  return [
    seconds('from'),
    seconds('to'),
    numbers.get('limit'),
    numbers.get('points'),
    namesKey(query),
  ].join('&');
}

/** A list is the same in any order. */
function namesKey({ lists }: Query): string {
  return [...lists]
    .map(([name, list]) => `${name}=${[...list].sort().join(',')}`)
    .sort()
    .join('&');
}

const text = (cell: unknown) => (typeof cell === 'string' ? cell : '');

/** The curves that are asked for, the most interesting ones first. */
function ordered({ curves }: Pick<Frame, 'curves'>, query: Query): Curve[] {
  const [sensor, quantity] = [wanted(query, 'sensor'), wanted(query, 'quantity')];
  return curves
    .filter((curve) => sensor(curve.sensor) && quantity(curve.quantity))
    .toSorted((a, b) => byImportance(a.quantity, b.quantity) || (a.sensor < b.sensor ? -1 : 1));
}

/** Every table the contract names. */
export const TABLE_NAMES = Object.keys(TABLE_ROUTES) as TableName[];
