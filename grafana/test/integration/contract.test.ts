/**
 * Every query of every dashboard is answered by the running service with the columns that it names,
 * in their types, whatever stands in Redis.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { InfinityColumn, InfinityQuery } from '../../src/query.ts';
import { startBed } from '../bed.ts';
import type { Bed } from '../bed.ts';
import { DASHBOARDS, queriesOf } from '../dashboards.ts';
import { FIXTURES } from '../fixtures.ts';
import { frameOf } from '../infinity.ts';
import type { Cell, Row } from '../infinity.ts';

/** Whether the answer may hold this under a column of that type. */
function fits(value: Cell | undefined, { type }: InfinityColumn): boolean {
  if (value === null) return true;
  switch (type) {
    case 'timestamp_epoch':
      return Number.isSafeInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
  }
}

function checkRows(query: InfinityQuery, rows: readonly Row[], where: string): void {
  for (const row of rows) {
    for (const column of query.columns) {
      const value = row[column.selector];
      assert.ok(fits(value, column), `${where}: ${column.selector} is ${JSON.stringify(value)}`);
    }
  }
}

/** One query per distinct question: the same one stands in several panels. */
const QUERIES = DASHBOARDS.flatMap(queriesOf);

for (const fixture of FIXTURES) {
  describe(fixture.name, { timeout: 120_000 }, () => {
    let bed: Bed;
    before(async () => {
      bed = await startBed(fixture);
    });
    after(async () => bed[Symbol.asyncDispose]());

    test('each query is answered with the declared columns and types', async () => {
      for (const { where, query } of QUERIES) {
        const rows = await bed.rows(query);
        assert.ok(Array.isArray(rows), where);
        checkRows(query, rows, where);
      }
    });

    test('for each sensor and quantity that the variables offer, the curves are answered too', async () => {
      const offered = async (selector: string) => {
        const variable = DASHBOARDS.flatMap(({ templating }) => templating.list).find(({ query }) =>
          query.infinityQuery.columns.some((column) => column.selector === selector),
        );
        assert.ok(variable !== undefined);
        const rows = await bed.rows(variable.query.infinityQuery);
        return rows.map((row) => String(row[selector]));
      };
      const quantities = await offered('quantity');
      for (const quantity of fixture.quantities) assert.ok(quantities.includes(quantity), quantity);
      const sensors = await offered('sensor');
      const series = QUERIES.filter(({ query }) => query.url === 'api/series');
      for (const { where, query } of series) {
        for (const quantity of quantities) {
          for (const sensor of ['*', ...sensors]) {
            const rows = await bed.rows(query, { sensor, quantity });
            checkRows(query, rows, where);
            for (const row of rows) assert.equal(row['quantity'], quantity);
            assertCurves(query, rows, where);
          }
        }
      }
    });
  });
}

/** What the panels rely on: ordered by time within a sensor, and never more points than make sense. */
function assertCurves(query: InfinityQuery, rows: readonly Row[], where: string): void {
  const { fields } = frameOf(query, rows);
  const time = fields.find(({ name }) => name === 'time');
  const sensor = fields.find(({ name }) => name === 'sensor');
  const lastMs = new Map<Cell, number>();
  for (const [index, value] of (time?.values ?? []).entries()) {
    const id = sensor?.values[index] ?? null;
    const ms = Number(value);
    assert.ok(ms > (lastMs.get(id) ?? -Infinity), `${where}: ${id} goes back at ${ms}`);
    lastMs.set(id, ms);
  }
  const points = Number(query.url_options.params.find(({ key }) => key === 'points')?.value);
  const perSensor = rows.length / Math.max(1, lastMs.size);
  assert.ok(perSensor <= 2 * (points + 2), `${where}: ${perSensor} points`);
}
