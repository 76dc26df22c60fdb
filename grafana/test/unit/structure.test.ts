/** Rules every dashboard keeps; broken ones would show as empty panels on the device only. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { DASHBOARDS, dashboardText, DASHBOARD_FILES, panelsOf, queriesOf } from '../dashboards.ts';
import type { Panel, Rect } from '../dashboards.ts';

const provisioned = parse(
  readFileSync(new URL('../../provisioning/datasources/holdfast.yaml', import.meta.url), 'utf8'),
) as { datasources: { uid: string; type: string }[] };

/** Those that are part of Grafana itself. */
const PANEL_TYPES = ['stat', 'timeseries', 'table', 'state-timeline'];
/** Transformations of Grafana 13; `partitionByValues` is the only one that is not in @grafana/data. */
const TRANSFORMATIONS = ['organize', 'sortBy', 'partitionByValues'];

const overlap = (a: Rect, b: Rect) =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

function unique(list: readonly unknown[], what: string): void {
  assert.equal(new Set(list).size, list.length, `${what}: ${list.join(', ')}`);
}

test('uids and titles are unique, and a uid never changes without a reason', () => {
  unique(
    DASHBOARDS.map(({ uid }) => uid),
    'uid',
  );
  unique(
    DASHBOARDS.map(({ title }) => title),
    'title',
  );
  assert.deepEqual(DASHBOARDS.map(({ uid }) => uid).sort(), [
    'holdfast-gateway',
    'holdfast-now',
    'holdfast-sensor',
  ]);
});

for (const dashboard of DASHBOARDS) {
  describe(dashboard.title, () => {
    const panels = panelsOf(dashboard);
    const everything = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);

    test('panel ids are unique, and refIds within a panel', () => {
      unique(
        everything.map(({ id }) => id),
        'id',
      );
      for (const { title, targets } of panels) {
        assert.ok(targets !== undefined && targets.length > 0, title);
        unique(
          targets.map(({ refId }) => refId),
          title,
        );
      }
    });

    test('panels lie within the grid and do not overlap', () => {
      for (const group of [dashboard.panels, ...dashboard.panels.map((p) => p.panels ?? [])]) {
        for (const [index, { title, gridPos }] of group.entries()) {
          assert.ok(gridPos.x >= 0 && gridPos.w > 0 && gridPos.x + gridPos.w <= 24, title);
          const other = group.slice(index + 1).find((one) => overlap(gridPos, one.gridPos));
          assert.equal(other, undefined, `${title} lies on ${other?.title}`);
        }
      }
    });

    test('every panel is of a kind that Grafana has, and none is an Angular or streaming one', () => {
      for (const { type, title } of panels) assert.ok(PANEL_TYPES.includes(type), title);
      for (const { transformations = [], title } of panels) {
        for (const { id } of transformations) assert.ok(TRANSFORMATIONS.includes(id), title);
      }
    });

    test('every panel says what it is, and what stands there without a value', () => {
      for (const { title, description = '', fieldConfig } of panels) {
        assert.ok(title.length > 0);
        assert.ok(description.length >= 20, title);
        assert.ok((fieldConfig?.defaults.noValue ?? '').length > 0, title);
      }
    });

    test('the first step of thresholds has no value, the others rise', () => {
      for (const { title, fieldConfig } of panels) {
        const { mode, steps = [] } = fieldConfig?.defaults.thresholds ?? {};
        assert.equal(mode, 'absolute', title);
        assert.equal(steps[0]?.value, null, title);
        const values = steps.slice(1).map(({ value }) => Number(value));
        assert.deepEqual(
          values,
          values.toSorted((a, b) => a - b),
          title,
        );
      }
    });

    test('numbers have a unit: in the panel or by a rule for their column', () => {
      for (const panel of panels) {
        for (const name of numbersOf(panel)) assert.ok(hasUnit(panel, name), panel.title + name);
      }
    });

    test('it is read-only, carries the tag and is not refreshed too often', () => {
      assert.equal(dashboard.editable, false);
      assert.deepEqual(dashboard.tags, ['holdfast']);
      assert.equal(dashboard.refresh, '10s');
      assert.equal(dashboard.schemaVersion, 42);
      for (const interval of dashboard.timepicker.refresh_intervals) {
        const [, number, unit] = /^(\d+)([smh])$/.exec(interval) ?? [];
        assert.ok(unit !== 's' || Number(number) >= 10, interval);
      }
    });

    test('variables that are used are there', () => {
      const text = JSON.stringify(dashboard);
      const known = [
        ...dashboard.templating.list.map(({ name }) => name),
        '__timeFrom',
        '__timeTo',
      ];
      for (const [, name = ''] of text.matchAll(/\$\{(\w+)[^}]*\}/g)) {
        assert.ok(known.includes(name) || /^__(field|url_time_range)/.test(name), name);
      }
      for (const { repeat, title } of panels) {
        assert.ok(repeat === undefined || known.includes(repeat), title);
      }
    });

    test('variables are made of one column, or of a text and a value', () => {
      for (const { name, type, query } of dashboard.templating.list) {
        assert.equal(type, 'query', name);
        assert.equal(query.queryType, 'infinity', name);
        const columns = query.infinityQuery.columns.map(({ text }) => text).sort();
        if (columns.length > 1) assert.deepEqual(columns, ['__text', '__value'], name);
      }
    });

    test('annotations have the columns by which Grafana knows their parts', () => {
      for (const { name, target } of dashboard.annotations.list) {
        const columns = target.columns.map(({ text }) => text).sort();
        assert.deepEqual(columns, ['id', 'tags', 'text', 'time', 'timeEnd', 'title'], name);
      }
    });

    test('every query asks the provisioned data source, by GET, a route of the service', () => {
      const source = provisioned.datasources[0];
      for (const { where, query } of queriesOf(dashboard)) {
        assert.equal(query.datasource.uid, source?.uid, where);
        assert.equal(query.datasource.type, source?.type, where);
        assert.equal(query.url_options.method, 'GET', where);
        assert.match(query.url, /^api\/[a-z]+$/, where);
        assert.equal(query.parser, 'backend', where);
        unique(
          query.columns.map(({ text }) => text),
          where,
        );
      }
    });

    test('colours are never the only signal: each mapped colour stands beside a word', () => {
      for (const result of mappingResults(dashboard)) {
        assert.ok(
          typeof result.text === 'string' && result.text.length > 0,
          JSON.stringify(result),
        );
      }
    });
  });
}

test('nothing leads away from the device', () => {
  for (const file of DASHBOARD_FILES) {
    assert.doesNotMatch(dashboardText(file), /https?:\/\//, file);
    assert.doesNotMatch(dashboardText(file), /"(streaming|alert)"/, file);
  }
});

/** Names of a panel's columns that are numbers and no times. */
function numbersOf({ type, targets = [], transformations = [] }: Panel): string[] {
  const renamed = transformations.find(({ id }) => id === 'organize')?.options as
    { renameByName?: Record<string, string> } | undefined;
  return targets.flatMap(({ columns }) =>
    columns
      .filter((column) => column.type === 'number')
      .map(({ text }) => (type === 'table' ? (renamed?.renameByName?.[text] ?? text) : text)),
  );
}

/** Values of a table whose unit stands in a column of its own, and plain counts. */
const NO_UNIT = ['Value', 'Generation', 'attempt'];

function hasUnit({ fieldConfig, repeat }: Panel, name: string): boolean {
  if (fieldConfig === undefined) return false;
  if (fieldConfig.defaults.unit !== undefined || NO_UNIT.includes(name)) return true;
  // Of a quantity that is not known before: by the rules for endings.
  if (repeat === 'quantity') return fieldConfig.overrides.length > 10;
  return fieldConfig.overrides.some(
    ({ matcher, properties }) =>
      matcher.options === name && properties.some(({ id }) => id === 'unit'),
  );
}

interface Result {
  readonly text?: unknown;
  readonly color?: unknown;
}

/** Every `{ text, color }` of value mappings, wherever they stand. */
function mappingResults(value: unknown): Result[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(mappingResults);
  const own = 'color' in value && 'text' in value ? [value as Result] : [];
  const bare = 'color' in value && 'index' in value && !('text' in value) ? [value as Result] : [];
  return [...own, ...bare, ...Object.values(value).flatMap(mappingResults)];
}
