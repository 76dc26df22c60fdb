/**
 * What a person sees: the dashboards evaluated by Grafana's own library on answers of the running
 * service, from the answer over transformations and rules for fields to the texts in the panels.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startBed } from '../../test/bed.ts';
import type { Bed } from '../../test/bed.ts';
import { DASHBOARDS, panelsOf } from '../../test/dashboards.ts';
import type { Panel } from '../../test/dashboards.ts';
import { FIXTURES, ordinary } from '../../test/fixtures.ts';
import { frameOf } from '../../test/infinity.ts';
import type { Variables } from '../../test/infinity.ts';
import { KNOWN_OPTIONS, cell, evaluate, grafana, names, shownValues } from '../grafana.ts';
import type { DataFrame } from '../grafana.ts';

/** A panel of a dashboard by its title and, where titles repeat, its kind. */
function panel(uid: string, title: string, type?: string): Panel {
  const dashboard = DASHBOARDS.find((one) => one.uid === uid);
  const found = panelsOf(dashboard ?? assert.fail(uid)).find(
    (one) => one.title === title && (type === undefined || one.type === type),
  );
  return found ?? assert.fail(title);
}

async function shown(bed: Bed, one: Panel, variables: Variables = {}) {
  const frames = await Promise.all(
    (one.targets ?? []).map(async (query) => frameOf(query, await bed.rows(query, variables))),
  );
  return evaluate(frames, one.transformations ?? [], one.fieldConfig ?? assert.fail(one.title));
}

async function texts(bed: Bed, one: Panel, variables: Variables = {}) {
  const data = await shown(bed, one, variables);
  const { fieldConfig = assert.fail(), options } = one;
  return shownValues(data, options?.['reduceOptions'], fieldConfig);
}

const plain = (values: readonly { readonly text: string }[]) => values.map(({ text }) => text);

/** The rows of a table as they are shown, by heading. */
function rowsOf([frame]: readonly DataFrame[]): Record<string, string>[] {
  if (frame === undefined || frame.fields.length === 0) return [];
  const headings = frame.fields.map((field) => grafana.getFieldDisplayName(field, frame, [frame]));
  return Array.from({ length: frame.length }, (_, row) =>
    Object.fromEntries(headings.map((heading) => [heading, cell(frame, heading, row)])),
  );
}

const headingsOf = ([frame]: readonly DataFrame[]) =>
  (frame?.fields ?? []).map((field) => grafana.getFieldDisplayName(field, frame as DataFrame, []));

const UNITS = new Set(
  grafana.getValueFormats().flatMap(({ submenu }) => submenu.map(({ value }) => value)),
);

test('every unit is one that Grafana has', () => {
  for (const one of DASHBOARDS.flatMap(panelsOf)) {
    const { defaults, overrides } = one.fieldConfig ?? assert.fail(one.title);
    const units = [
      ...(defaults.unit === undefined ? [] : [defaults.unit]),
      ...overrides.flatMap(({ properties }) =>
        properties.filter(({ id }) => id === 'unit').map(({ value }) => value as string),
      ),
    ];
    for (const unit of units) assert.ok(UNITS.has(unit), `${one.title}: ${unit}`);
  }
  assert.ok(!UNITS.has('conppm'), 'the list tells units from words');
});

test('every option that is set is one that Grafana takes over', () => {
  for (const one of DASHBOARDS.flatMap(panelsOf)) {
    for (const { properties } of one.fieldConfig?.overrides ?? []) {
      for (const { id } of properties) assert.ok(KNOWN_OPTIONS.includes(id), `${one.title}: ${id}`);
    }
  }
});

test('every transformation is one that Grafana has', () => {
  const ids = new Set(Object.values(grafana.DataTransformerID));
  for (const one of DASHBOARDS.flatMap(panelsOf)) {
    for (const { id } of one.transformations ?? []) assert.ok(ids.has(id), id);
  }
});

for (const fixture of FIXTURES) {
  test(`every panel can be drawn with ${fixture.name}`, { timeout: 120_000 }, async () => {
    await using bed = await startBed(fixture);
    for (const one of DASHBOARDS.flatMap(panelsOf)) {
      const quantities = fixture.quantities.slice(0, one.repeat === undefined ? 1 : undefined);
      for (const quantity of quantities.length === 0 ? ['*'] : quantities) {
        const data = await shown(bed, one, one.repeat === undefined ? {} : { quantity });
        if (one.type === 'stat') await texts(bed, one, { quantity });
        if (one.type === 'table' && (data[0]?.fields.length ?? 0) > 0) {
          assert.deepEqual(headingsOf(data), Object.values(renamed(one)), one.title);
        }
      }
    }
  });
}

function renamed({ transformations = [], title }: Panel): Record<string, string> {
  const organize = transformations.find(({ id }) => id === 'organize') ?? assert.fail(title);
  return (organize.options as { renameByName: Record<string, string> }).renameByName;
}

describe(`with ${ordinary.name}`, { timeout: 120_000 }, () => {
  let bed: Bed;
  before(async () => {
    bed = await startBed(ordinary);
  });
  after(async () => bed[Symbol.asyncDispose]());

  test('tiles say the level with a sign and a word, and the state', async () => {
    const tile = async (title: string) => plain(await texts(bed, panel('holdfast-now', title)));
    assert.deepEqual(await tile('Measuring'), ['✔ good', 'measuring']);
    assert.deepEqual(await tile('MQTT broker'), ['✔ good', 'connected']);
    assert.deepEqual((await tile('Provisioning'))[1], 'backing_off');
    const [freshness, age = ''] = await tile('Last reading');
    assert.ok(['✔ fresh', '▲ late'].includes(freshness ?? ''));
    assert.match(age, /^\d+ (ms|s|mins?)$/);
  });

  test('colours of levels differ, and no level has the colour of the text', async () => {
    const good = await texts(bed, panel('holdfast-now', 'Measuring'));
    assert.notEqual(good[0]?.color, good[1]?.color);
  });

  test('the values of now carry the name of their sensor and the unit of their quantity', async () => {
    const values = panel('holdfast-now', '${quantity:text}', 'stat');
    const temperature = await texts(bed, values, { quantity: 'temperature_celsius' });
    assert.deepEqual(
      temperature.map(({ title }) => title),
      ['bme280-1-76', 'sht4x-1-44'],
    );
    assert.match(temperature[0]?.text ?? '', /^\d\d\.\d °C$/);
    assert.equal(temperature[1]?.text, 'no reading', 'it has been silent for 20 minutes');
    const [humidity] = await texts(bed, values, { quantity: 'humidity_percent' });
    assert.match(humidity?.text ?? '', /^\d\d\.\d ?%H$/);
    const [pressure] = await texts(bed, values, { quantity: 'pressure_hpa' });
    assert.match(pressure?.text ?? '', /^100\d\.\d hPa$/);
    const [memory] = await texts(bed, values, { quantity: 'memory_free_bytes' });
    assert.match(memory?.text ?? '', /^488 MiB$/);
    const [load] = await texts(bed, values, { quantity: 'load_1m' });
    assert.equal(load?.text, '0.42');
  });

  test('a course has a curve per sensor, its outline in the same colour and out of the legend', async () => {
    const course = panel('holdfast-now', '${quantity:text}', 'timeseries');
    const data = await shown(bed, course, { quantity: 'temperature_celsius' });
    assert.equal(data.length, 2);
    for (const frame of data) {
      const fields = frame.fields.filter(({ type }) => type === 'number');
      assert.deepEqual(fields.map(({ name }) => name).sort(), ['max', 'min', 'value']);
      // Colours follow names.
      assert.equal(new Set(names([frame])).size, 1);
      for (const { name, config } of fields) {
        assert.equal(config.unit, 'celsius');
        const hidden = config.custom?.['hideFrom'] as { legend?: boolean } | undefined;
        assert.equal(hidden?.legend ?? false, name !== 'value');
      }
      const time = frame.fields.find(({ type }) => type === 'time');
      assert.equal(time?.config.unit, undefined);
    }
    assert.deepEqual([...new Set(names(data))], ['bme280-1-76', 'sht4x-1-44']);
  });

  test('nothing is drawn where nothing was measured', async () => {
    const course = panel('holdfast-now', '${quantity:text}', 'timeseries');
    const data = await shown(bed, course, { quantity: 'temperature_celsius' });
    const lost = data[names(data).indexOf('sht4x-1-44') / 3];
    for (const field of lost?.fields ?? []) {
      if (field.type === 'number') assert.equal(field.values.at(-1), null, field.name);
    }
    assert.equal(course.fieldConfig?.defaults.custom?.['spanNulls'], false);
  });

  test('a quantity of a program that nobody knows is drawn like the others', async () => {
    const course = panel('holdfast-now', '${quantity:text}', 'timeseries');
    const data = await shown(bed, course, { quantity: 'soil_moisture_percent' });
    assert.deepEqual([...new Set(names(data))], ['other']);
    assert.equal(data[0]?.fields.find(({ name }) => name === 'value')?.config.unit, 'percent');
  });

  test('one sensor alone: the band goes from the largest value to the smallest', async () => {
    const course = panel('holdfast-sensor', '${quantity:text}');
    const one = { sensor: 'bme280-1-76', quantity: 'temperature_celsius' };
    const data = await shown(bed, course, one);
    assert.equal(data.length, 1);
    assert.deepEqual(names(data).sort(), ['largest', 'mean', 'smallest']);
    const largest = data[0]?.fields.find(({ name }) => name === 'max');
    assert.equal(largest?.config.custom?.['fillBelowTo'], 'smallest');
  });

  test('states are split by what they are about', async () => {
    const data = await shown(bed, panel('holdfast-now', 'States'));
    for (const subject of ['measuring', 'mqtt', 'hub', 'provisioning', 'sensor:sht4x-1-44']) {
      assert.ok(names(data).includes(subject), subject);
    }
    const measuring = data[names(data).indexOf('measuring')];
    const field = measuring?.fields.find(({ type }) => type === 'string');
    const words = field?.values.map((value) =>
      grafana.formattedValueToString(field.display?.(value) ?? assert.fail()),
    );
    assert.deepEqual(words?.slice(1, 3), ['○ off', '✔ on']);
  });

  test('the table of sensors says which one is lost, and why', async () => {
    const rows = rowsOf(await shown(bed, panel('holdfast-now', 'Sensors')));
    const lost = rows.find((row) => row['Sensor'] === 'sht4x-1-44');
    assert.equal(lost?.['Health'], '✖ bad');
    assert.equal(lost['State'], '✖ lost');
    assert.match(lost['What is wrong'] ?? '', /EREMOTEIO/);
    assert.match(lost['Age'] ?? '', /^2\d mins?$/);
    const host = rows.find((row) => row['Sensor'] === 'host');
    assert.equal(host?.['Quality'], '▲ stale');
    assert.equal(host['What is wrong'], '–');
  });

  test('newest values stand with their unit in words, a missing one as a dash', async () => {
    const rows = rowsOf(await shown(bed, panel('holdfast-now', 'Newest values')));
    const pressure = rows.find((row) => row['Quantity'] === 'Pressure');
    assert.equal(pressure?.['Unit'], 'hPa');
    assert.match(pressure['Value'] ?? '', /^\d+(\.\d+)?$/);
  });

  test('events come newest first', async () => {
    const [frame] = await shown(bed, panel('holdfast-now', 'Events'));
    const time = frame?.fields.find(({ type }) => type === 'time');
    const values = (time?.values ?? []).map(Number);
    assert.ok(values.length >= 6);
    assert.deepEqual(
      values,
      values.toSorted((a, b) => b - a),
    );
  });

  test('the gateway tells the forecast, the next attempt and what was lost', async () => {
    const tile = async (title: string) => texts(bed, panel('holdfast-gateway', title));
    assert.deepEqual(
      (await tile('Readings per second')).map(({ title }) => title),
      ['measured', 'sent'],
    );
    const attempt = await tile('Next attempt');
    assert.deepEqual(plain(attempt).slice(0, 2), ['4', '429 too many requests']);
    assert.match(attempt[2]?.text ?? '', /^[45] mins?$/);
    const [loss] = rowsOf(await shown(bed, panel('holdfast-gateway', 'Losses')));
    assert.equal(loss?.['Readings'], '17');
    assert.ok((await tile('Readings lost')).some(({ text }) => text === '17'));
    const hub = rowsOf(await shown(bed, panel('holdfast-gateway', 'Assignment')));
    assert.equal(hub[0]?.['Hub'], 'hub-1.example');
    assert.match(hub[0]['Assigned'] ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  });
});
