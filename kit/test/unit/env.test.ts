import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ConfigError,
  custom,
  envTableMarkdown,
  flag,
  integer,
  loadConfig,
  number,
  oneOf,
  secret,
  text,
} from '@holdfast/kit';
import type { EnvSpec } from '@holdfast/kit';

function read<T>(specification: EnvSpec<T>, raw: string | undefined): T {
  return loadConfig({ IT: specification }, { IT: raw }).IT;
}

function refuses(specification: EnvSpec<unknown>, raw: string): void {
  assert.throws(() => read(specification, raw), ConfigError, `${JSON.stringify(raw)} was accepted`);
}

describe('number', () => {
  const seconds = number({ fallback: 1, min: 0.01, max: 86_400, unit: 's', help: 'interval' });
  const cases: readonly (readonly [string, number])[] = [
    ['1', 1],
    ['0.01', 0.01],
    ['86400', 86_400],
    ['+2.5', 2.5],
    ['007', 7],
    [' 3.0\n', 3],
  ];
  for (const [raw, value] of cases) {
    test(`reads ${JSON.stringify(raw)} as ${value}`, () => {
      assert.equal(read(seconds, raw), value);
    });
  }
  const refused = ['0', '0.009', '86400.1', '-1', 'abc', '1e3', '0x10', '1 0', '1,5', '1.', '.5'];
  for (const raw of [...refused, 'NaN', 'Infinity', '9'.repeat(400), '--1', '٣']) {
    test(`refuses ${JSON.stringify(raw.slice(0, 20))}`, () => refuses(seconds, raw));
  }
  test('takes negative numbers where the range has them', () => {
    assert.equal(read(number({ fallback: 0, min: -5, max: 5, help: '' }), '-4.5'), -4.5);
  });
});

describe('integer', () => {
  const port = integer({ fallback: 6379, min: 1, max: 65_535, help: 'port' });
  test('reads both ends of the range', () => {
    assert.equal(read(port, '1'), 1);
    assert.equal(read(port, '65535'), 65_535);
  });
  for (const raw of ['0', '65536', '1.0', '1.5', '-1', 'x', '1e2', '0b1', '1 2']) {
    test(`refuses ${JSON.stringify(raw)}`, () => refuses(port, raw));
  }
});

describe('flag', () => {
  const tls = flag({ fallback: false, help: 'TLS' });
  for (const raw of ['1', 'true', 'TRUE', 'yes', 'On', ' on ']) {
    test(`${JSON.stringify(raw)} is true`, () => assert.equal(read(tls, raw), true));
  }
  for (const raw of ['0', 'false', 'False', 'no', 'OFF']) {
    test(`${JSON.stringify(raw)} is false`, () => assert.equal(read(tls, raw), false));
  }
  for (const raw of ['2', 'y', 'enabled', 'null']) {
    test(`refuses ${JSON.stringify(raw)}`, () => refuses(tls, raw));
  }
});

describe('oneOf', () => {
  const edge = oneOf(['rising', 'falling', 'both'], { fallback: 'falling', help: 'edge' });
  test('ignores case and returns the word as declared', () => {
    assert.equal(read(edge, 'RISING'), 'rising');
  });
  test('refuses a word that is only a part of one', () => refuses(edge, 'rise'));
});

describe('text, secret and custom', () => {
  test('text without a pattern takes anything', () => {
    assert.equal(read(text({ fallback: undefined, help: '' }), 'a | b'), 'a | b');
  });
  test('text with a pattern refuses what does not match', () => {
    const name = text({ fallback: 'x', help: '', pattern: /^[a-z]+$/, allowed: 'letters a-z' });
    assert.equal(read(name, 'abc'), 'abc');
    refuses(name, 'ab1');
  });
  test('a secret is read like a text', () => {
    assert.equal(read(secret({ help: 'password' }), 'hunter2'), 'hunter2');
  });
  test('a custom parser refuses by throwing anything', () => {
    const list = custom({ fallback: ['auto'], allowed: 'a list', help: '' }, (raw) => {
      if (raw.includes(';')) throw new TypeError('no');
      return raw.split(',');
    });
    assert.deepEqual(read(list, 'a,b'), ['a', 'b']);
    refuses(list, 'a;b');
  });
});

describe('loadConfig', () => {
  const table = {
    PORT: integer({ fallback: 6379, min: 1, max: 65_535, help: 'port' }),
    HOST: text({ fallback: 'redis', help: 'host' }),
    PASSWORD: secret({ help: 'password' }),
  };
  for (const raw of [undefined, '', '   ', '\t\n']) {
    test(`${JSON.stringify(raw)} counts as not set`, () => {
      assert.deepEqual(
        { ...loadConfig(table, { PORT: raw, PASSWORD: raw }) },
        {
          PORT: 6379,
          HOST: 'redis',
          PASSWORD: undefined,
        },
      );
    });
  }
  test('the result cannot be changed', () => {
    assert.ok(Object.isFrozen(loadConfig(table, {})));
  });
  test('all faults are reported at once, in one line, with value and what is allowed', () => {
    const env = { PORT: '70000', WORD: 'x\ny', NUMBER: 'many' };
    const faulty = {
      ...table,
      WORD: oneOf(['a', 'b'], { fallback: 'a', help: '' }),
      NUMBER: number({ fallback: 1, min: 0, max: 2, help: '' }),
    };
    assert.throws(() => loadConfig(faulty, env), {
      name: 'ConfigError',
      message:
        'PORT is "70000", allowed: a whole number from 1 to 65535; ' +
        'WORD is "x\\ny", allowed: a, b; NUMBER is "many", allowed: a number from 0 to 2',
    });
  });
  test('a faulty secret is named but not shown', () => {
    const key = {
      ...secret({ help: 'key' }),
      parse(): never {
        throw new RangeError('hunter2 is no key');
      },
    };
    assert.throws(() => loadConfig({ KEY: key }, { KEY: 'hunter2' }), {
      message: 'KEY is (hidden), allowed: a text',
    });
  });
  test('a very long value is cut in the message', () => {
    assert.throws(
      () => loadConfig(table, { PORT: 'z'.repeat(10_000) }),
      (error) => error instanceof ConfigError && error.message.length < 200,
    );
  });
  test('variables outside the table are ignored', () => {
    assert.equal('PATH' in loadConfig(table, { PATH: '/bin' }), false);
  });
});

describe('envTableMarkdown', () => {
  test('shows name, unit, default, range and meaning, and escapes what would break the table', () => {
    const table = {
      INTERVAL_SECONDS: number({ fallback: 1, min: 0.01, max: 60, unit: 's', help: 'a | b' }),
      HOST: text({ fallback: undefined, help: 'two\nlines' }),
      SENSORS: custom(
        { fallback: [], fallbackText: 'auto', allowed: 'auto | list', help: 'sensors' },
        () => [],
      ),
    };
    assert.equal(
      envTableMarkdown(table),
      [
        '| name | unit | default | range | meaning |',
        '| --- | --- | --- | --- | --- |',
        '| `INTERVAL_SECONDS` | s | 1 | a number from 0.01 to 60 | a \\| b |',
        '| `HOST` | - | - | any text | two lines |',
        '| `SENSORS` | - | auto | auto \\| list | sensors |',
      ].join('\n'),
    );
  });
});
