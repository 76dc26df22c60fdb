import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { REMEDIES } from '../../../startstopbutton/src/core/pin-conflict.ts';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

interface Contract {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly description: string;
  readonly data: {
    readonly applicationConfigVariables: readonly Readonly<Record<string, string>>[];
    readonly applicationEnvironmentVariables: readonly Readonly<Record<string, string>>[];
    readonly defaultDeviceType: string;
    readonly supportedDeviceTypes: readonly string[];
  };
}

const contract = parse(read('balena.yml')) as Contract;

test('balena.yml says what balena asks for, with the version of the package', () => {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  assert.equal(contract.version, version);
  assert.equal(contract.type, 'sw.application');
  assert.equal(contract.name, 'holdfast');
  assert.ok(contract.description.length > 0);
  const { defaultDeviceType, supportedDeviceTypes } = contract.data;
  assert.ok(supportedDeviceTypes.includes(defaultDeviceType));
});

test('variables are lists of single names, and lists in them are lists of quoted words', () => {
  const { applicationConfigVariables, applicationEnvironmentVariables } = contract.data;
  for (const variable of [...applicationConfigVariables, ...applicationEnvironmentVariables]) {
    assert.equal(Object.keys(variable).length, 1);
  }
  for (const variable of applicationConfigVariables) {
    for (const [name, value] of Object.entries(variable)) {
      assert.match(name, /^BALENA_HOST_CONFIG_[a-z]+$/);
      assert.ok(Array.isArray(JSON.parse(`[${value}]`)), value);
    }
  }
});

test('the default is the first remedy for a button on GPIO 2: a bus on other pins', () => {
  const variables = Object.assign({}, ...contract.data.applicationConfigVariables) as Record<
    string,
    string
  >;
  const [software] = REMEDIES;
  assert.equal(
    variables['BALENA_HOST_CONFIG_dtoverlay'],
    software?.set['BALENA_HOST_CONFIG_dtoverlay'],
  );
  assert.match(variables['BALENA_HOST_CONFIG_dtparam'] ?? '', /"i2c_arm=off"/);
});
