import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ConfigError, envTableMarkdown, loadConfig } from '@holdfast/kit';
import { SENSOR_ENV } from '../../src/config.ts';

describe('the configuration', () => {
  it('has defaults that work', () => {
    const config = loadConfig(SENSOR_ENV, {});
    assert.equal(config.INTERVAL_SECONDS, 5);
    assert.deepEqual(config.SENSORS, { auto: true, host: true, places: [] });
    assert.equal(config.HARDWARE_SIMULATOR, undefined);
    assert.equal(config.I2C_BUSES, undefined);
  });

  it('takes the shortest and the longest interval', () => {
    assert.equal(loadConfig(SENSOR_ENV, { INTERVAL_SECONDS: '0.01' }).INTERVAL_SECONDS, 0.01);
    assert.equal(loadConfig(SENSOR_ENV, { INTERVAL_SECONDS: '86400' }).INTERVAL_SECONDS, 86_400);
  });

  const refused: readonly [keyof typeof SENSOR_ENV, string][] = [
    ['INTERVAL_SECONDS', '0'],
    ['INTERVAL_SECONDS', '0.009'],
    ['INTERVAL_SECONDS', '86401'],
    ['INTERVAL_SECONDS', 'fast'],
    ['INTERVAL_SECONDS', '1e1'],
    ['SENSORS', 'bme999@1:0x76'],
    ['SENSORS', 'bme280@1:0x10'],
    ['SENSORS', 'host,host'],
    ['SENSORS', 'ina219@1:0x40?shunt_ohm=0'],
    ['SENSORS', 'ina219@1:0x40?shunt_ohm=1&max_ampere=1'],
    ['SENSORS', 'ads1115@1:0x48?gain=3'],
    ['I2C_BUSES', 'one'],
    ['I2C_TIMEOUT_MILLIS', '9'],
    ['PENDING_MAX_READINGS', '1'],
    ['PENDING_MAX_READINGS', '1.5'],
    ['REDIS_PORT', '70000'],
  ];
  for (const [name, value] of refused) {
    it(`refuses ${name}=${value}, naming it, the value and what is allowed`, () => {
      assert.throws(
        () => loadConfig(SENSOR_ENV, { [name]: value }),
        (error) =>
          error instanceof ConfigError &&
          error.message === `${name} is "${value}", allowed: ${SENSOR_ENV[name].allowed}`,
      );
    });
  }

  it('reports all faults at once', () => {
    const env = { INTERVAL_SECONDS: 'x', SENSORS: 'y', REDIS_DB: 'z' };
    assert.throws(() => loadConfig(SENSOR_ENV, env), /REDIS_DB.*INTERVAL_SECONDS.*SENSORS/);
  });
});

it('the README shows the variables as the code has them', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(envTableMarkdown(SENSOR_ENV)), envTableMarkdown(SENSOR_ENV));
});
