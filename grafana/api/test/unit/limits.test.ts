import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Cache } from '../../src/core/cache.ts';
import { LIMITS, TABLE_ROUTES } from '../../src/core/contract/index.ts';
import { Refusal, parseQuery, rangeOf, wanted } from '../../src/core/query.ts';
import { RateLimit } from '../../src/core/rate.ts';
import { SERVICE_NAME, refusedBecause } from '../../src/core/same-origin.ts';
import type { Asked } from '../../src/core/same-origin.ts';

const series = TABLE_ROUTES.series.parameters;
const parse = (query: string) => parseQuery(new URLSearchParams(query), series);

describe('parameters', () => {
  for (const [query, message] of [
    ['from=yesterday', /from is "yesterday", allowed: unix milliseconds/],
    ['from=-5', /from is "-5"/],
    ['to=99999999999999999', /to is/],
    ['points=1', /points is "1", allowed: a whole number from 2 to 2000/],
    ['points=2001', /points/],
    ['points=1e3', /points/],
    ['pionts=300', /unknown parameter "pionts"; known: sensor, quantity, from, to, points/],
    ['from=1&from=2', /twice/],
    [`sensor=${'a'.repeat(200)}`, /more than 128 characters/],
    [`sensor=${Array.from({ length: 65 }, (_, i) => `s${i}`).join(',')}`, /more than 64 names/],
  ] as const) {
    test(`${query.slice(0, 40)} is refused in words`, () => {
      assert.throws(
        () => parse(query),
        (error) => error instanceof Refusal && error.status === 400 && message.test(error.message),
      );
    });
  }

  test('that are missing or empty have their default', () => {
    assert.deepEqual(rangeOf(parse('from=&to='), 5e9), { fromMs: 5e9 - 3_600_000, toMs: 5e9 });
    assert.equal(parse('points=300.7').numbers.get('points'), 300);
  });

  test('that name all sensors name no sensor', () => {
    for (const all of ['', '*', 'All', '$__all']) {
      assert.ok(wanted(parse(`sensor=${encodeURIComponent(all)}`), 'sensor')('any'));
    }
    const some = wanted(parse('sensor=a,%20b,'), 'sensor');
    assert.deepEqual(['a', 'b', 'c', ''].map(some), [true, true, false, false]);
  });

  test('of a range that is empty or endless are refused', () => {
    for (const query of ['from=5000&to=5000', 'from=9000&to=5000', 'from=0&to=5000000000000']) {
      assert.throws(() => rangeOf(parse(query), 1e12), /a range has/);
    }
    const longest = `from=0&to=${LIMITS.maxRangeMs}`;
    assert.equal(rangeOf(parse(longest), 1e12).toMs, LIMITS.maxRangeMs);
  });
});

describe('requests of a client', () => {
  test('have a burst, then a steady rate, and the others have their own', () => {
    const rate = new RateLimit(10, 20);
    const taken = Array.from({ length: 25 }, () => rate.take('a', 0));
    assert.equal(taken.filter((wait) => wait === 0).length, 20);
    assert.ok(Math.abs((taken.at(-1) ?? 0) - 0.1) < 1e-9);
    assert.equal(rate.take('b', 0), 0);
    assert.equal(rate.take('a', 100), 0);
    assert.ok(rate.take('a', 100) > 0);
    assert.equal(rate.take('a', 10_000), 0);
  });

  test('are forgotten for the oldest of very many clients', () => {
    const rate = new RateLimit(1, 1);
    for (let i = 0; i < 5_000; i += 1) assert.equal(rate.take(`c${i}`, i), 0);
    assert.equal(rate.take('c0', 5_000), 0);
  });
});

describe('the cache', () => {
  const cache = (maxBytes = 100) => {
    const clock = { ms: 0 };
    return {
      clock,
      cache: new Cache<string>(
        () => clock.ms,
        maxBytes,
        (value) => value.length,
      ),
    };
  };

  test('lets one do the work for all who ask meanwhile, and for those who come soon after', async () => {
    const { clock, cache: kept } = cache();
    let loads = 0;
    const load = async () => {
      loads += 1;
      await Promise.resolve();
      return `answer ${loads}`;
    };
    const answers = await Promise.all(Array.from({ length: 10 }, () => kept.get('k', 1_000, load)));
    assert.deepEqual(new Set(answers), new Set(['answer 1']));
    clock.ms = 999;
    assert.equal(await kept.get('k', 1_000, load), 'answer 1');
    clock.ms = 1_000;
    assert.equal(await kept.get('k', 1_000, load), 'answer 2');
    assert.equal(loads, 2);
  });

  test('counts the time from when the answer is there, not from when it was asked for', async () => {
    const { clock, cache: kept } = cache();
    await kept.get('k', 1_000, async () => {
      clock.ms = 5_000;
      return Promise.resolve('slow');
    });
    clock.ms = 5_900;
    assert.equal(await kept.get('k', 1_000, () => assert.fail('asked again')), 'slow');
  });

  test('tells a failure to all who wait, and asks again afterwards', async () => {
    const { cache: kept } = cache();
    const failing = Array.from({ length: 3 }, () =>
      kept.get('k', 1_000, () => Promise.reject(new Error('away'))),
    );
    for (const one of failing) await assert.rejects(one, /away/);
    assert.equal(await kept.get('k', 1_000, () => Promise.resolve('back')), 'back');
  });

  test('stays below its size: what was not used for longest goes first', async () => {
    const { cache: kept } = cache(100);
    for (let i = 0; i < 50; i += 1) {
      await kept.get(`k${i}`, 1_000, () => Promise.resolve('x'.repeat(30)));
      await kept.get('often', 1_000, () => Promise.resolve('y'.repeat(30)));
      assert.ok(kept.bytes <= 100, `${kept.bytes} bytes`);
    }
    let asked = 0;
    await kept.get('often', 1_000, () => Promise.resolve(String((asked += 1))));
    assert.equal(asked, 0);
  });
});

describe('switching measuring', () => {
  const own: Asked = {
    host: '192.168.1.7:8080',
    origin: 'http://192.168.1.7:8080',
    fetchSite: 'same-origin',
    contentType: 'application/json',
    control: '1',
  };
  const foreign: readonly [string, Partial<Asked>][] = [
    ['without the header of our own', { control: undefined }],
    ['with a body a form can send', { contentType: 'text/plain' }],
    ['from another site', { fetchSite: 'cross-site' }],
    ['from another page of the same site', { fetchSite: 'same-site' }],
    ['from another origin', { origin: 'http://evil.example' }],
    ['from another port', { origin: 'http://192.168.1.7:80' }],
    ['without an origin', { origin: undefined }],
    ['from a file', { origin: 'null' }],
    [
      'through Grafana, whose plugin can send any header but not another name',
      { host: 'grafana-api:8080', origin: 'http://grafana-api:8080', fetchSite: undefined },
    ],
    ['through Grafana, in any case', { host: 'Grafana-API.', origin: 'http://Grafana-API.' }],
    ['under a public name', { host: 'evil.example', origin: 'http://evil.example' }],
    [
      'under a name that only ends like a local one',
      { host: 'a.notlocal', origin: 'http://a.notlocal' },
    ],
  ];
  for (const [what, asked] of foreign) {
    test(`is refused ${what}`, () => assert.ok(refusedBecause({ ...own, ...asked }) !== undefined));
  }
  for (const host of [
    '192.168.1.7:8080',
    '[fe80::1]:8080',
    'localhost:8080',
    'gateway',
    'gateway.local',
    `${'a'.repeat(32)}.balena-devices.com`,
  ]) {
    test(`is possible from the page at ${host}`, () => {
      assert.equal(refusedBecause({ ...own, host, origin: `http://${host}` }), undefined);
    });
  }
  test('is refused under the name by which the containers know the service', () => {
    const root = new URL('../../../../', import.meta.url);
    const compose = readFileSync(new URL('docker-compose.yml', root), 'utf8');
    assert.match(compose, new RegExp(`^  ${SERVICE_NAME}:$`, 'm'));
    const entrypoint = readFileSync(new URL('grafana/entrypoint.sh', root), 'utf8');
    assert.ok(entrypoint.includes(`{GRAFANA_API_URL:-http://${SERVICE_NAME}:8080}`));
  });
  test('is possible for a browser that does not say where it comes from', () => {
    assert.equal(refusedBecause({ ...own, fetchSite: undefined }), undefined);
  });
});
