/** Files that Grafana reads when it starts, the image, and what the README says of both. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { DATA_SOURCE } from '../../src/query.ts';
import { DASHBOARD_FILES } from '../dashboards.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const dockerfile = read('Dockerfile');
const entrypoint = read('entrypoint.sh');
const readme = read('README.md');

/** Variables that the image sets. */
const image = new Map(
  [...dockerfile.matchAll(/^(?:ENV|   ) ([A-Z_]+)=(\S*)/gm)].map(([, name = '', value = '']) => [
    name,
    value,
  ]),
);

interface DataSources {
  readonly apiVersion: number;
  readonly prune: boolean;
  readonly datasources: readonly {
    readonly uid: string;
    readonly type: string;
    readonly access: string;
    readonly url: string;
    readonly editable: boolean;
    readonly isDefault: boolean;
    readonly jsonData: Readonly<Record<string, unknown>> & { readonly allowedHosts: string[] };
  }[];
}

interface Providers {
  readonly apiVersion: number;
  readonly providers: readonly {
    readonly type: string;
    readonly allowUiUpdates: boolean;
    readonly disableDeletion: boolean;
    readonly options: { readonly path: string };
  }[];
}

test('there is one data source, fixed, and it may reach the service and nothing else', () => {
  const file = parse(read('provisioning/datasources/holdfast.yaml')) as DataSources;
  assert.equal(file.apiVersion, 1);
  assert.equal(file.prune, true);
  assert.equal(file.datasources.length, 1);
  const [source] = file.datasources;
  assert.deepEqual({ type: source?.type, uid: source?.uid }, DATA_SOURCE);
  assert.equal(source?.access, 'proxy');
  assert.equal(source.editable, false);
  assert.equal(source.isDefault, true);
  assert.deepEqual(source.jsonData.allowedHosts, [source.url]);
  assert.equal(source.jsonData['unsecuredQueryHandling'], 'deny');
  assert.equal(source.jsonData['proxy_type'], 'none');
  assert.equal(source.jsonData['allowDangerousHTTPMethods'], false);
});

test('dashboards cannot be changed or deleted on the device', () => {
  const { apiVersion, providers } = parse(
    read('provisioning/dashboards/holdfast.yaml'),
  ) as Providers;
  assert.equal(apiVersion, 1);
  assert.equal(providers.length, 1);
  const [provider] = providers;
  assert.equal(provider?.type, 'file');
  assert.equal(provider.allowUiUpdates, false);
  assert.equal(provider.disableDeletion, true);
  assert.match(dockerfile, new RegExp(`^COPY dashboards ${provider.options.path}$`, 'm'));
});

test('the start page is one of the dashboards', () => {
  const path = image.get('GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH') ?? '';
  assert.ok(DASHBOARD_FILES.includes(path.replace('/etc/grafana/dashboards/', '')), path);
});

test('image and plugin are pinned, and the plugin lies outside the data folder', () => {
  const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, name]) => name);
  assert.deepEqual(new Set(images), new Set(['grafana/grafana:13.2.3']));
  assert.match(
    dockerfile,
    new RegExp(`plugins install ${DATA_SOURCE.type} \\d+\\.\\d+\\.\\d+$`, 'm'),
  );
  const plugins = image.get('GF_PATHS_PLUGINS') ?? '';
  assert.ok(!plugins.startsWith('/var/lib/grafana'));
  assert.match(dockerfile, new RegExp(`^COPY --from=plugin \\S+ ${plugins}$`, 'm'));
});

/** What must not get lost: each of these stands for a hole or for a habit of calling home. */
const HARDENED: Readonly<Record<string, string>> = {
  GF_AUTH_ANONYMOUS_ENABLED: 'true',
  GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
  GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: 'true',
  GF_AUTH_DISABLE_LOGIN_FORM: 'true',
  GF_AUTH_BASIC_ENABLED: 'false',
  GF_USERS_ALLOW_SIGN_UP: 'false',
  GF_EXPLORE_ENABLED: 'false',
  GF_SNAPSHOTS_ENABLED: 'false',
  GF_SNAPSHOTS_EXTERNAL_ENABLED: 'false',
  GF_PUBLIC_DASHBOARDS_ENABLED: 'false',
  GF_SECURITY_CONTENT_SECURITY_POLICY: 'true',
  GF_SECURITY_ALLOW_EMBEDDING: 'false',
  GF_ANALYTICS_REPORTING_ENABLED: 'false',
  GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
  GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
  GF_NEWS_NEWS_FEED_ENABLED: 'false',
  GF_SECURITY_DISABLE_GRAVATAR: 'true',
  GF_PLUGINS_PLUGIN_ADMIN_ENABLED: 'false',
  GF_PLUGINS_PREINSTALL_DISABLED: 'true',
  GF_PLUGINS_PREINSTALL_AUTO_UPDATE: 'false',
  GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED: 'true',
  GF_SERVER_ENABLE_GZIP: 'false',
};

test('the image is hardened as the README says, setting by setting', () => {
  for (const [name, value] of Object.entries(HARDENED)) assert.equal(image.get(name), value, name);
  for (const name of image.keys()) assert.ok(readme.includes(`\`${name}\``), `README: ${name}`);
});

test('the plugin that is used is not among those that are not loaded', () => {
  const disabled = (image.get('GF_PLUGINS_DISABLE_PLUGINS') ?? '').split(',');
  assert.ok(disabled.length >= 17);
  assert.equal(new Set(disabled).size, disabled.length);
  assert.ok(!disabled.includes(DATA_SOURCE.type));
});

test('the README explains every variable that the container reads', () => {
  const used = [...entrypoint.matchAll(/\b(GRAFANA_[A-Z_]+)\b/g)].map(([, name = '']) => name);
  const yaml = [read('provisioning/datasources/holdfast.yaml')].join('\n');
  const interpolated = [...yaml.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name);
  assert.ok(interpolated.length > 0);
  for (const name of new Set([...used, ...interpolated])) {
    assert.match(readme, new RegExp(`^\\| \`${name}\` \\|`, 'm'), name);
  }
  // What the files interpolate, the entrypoint sets.
  for (const name of interpolated) assert.ok(entrypoint.includes(`export ${name}=`), name);
});

test('what the image copies is there, executable where it has to be, and not kept out', () => {
  const letThrough = read('.dockerignore')
    .split('\n')
    .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(\S+) \S+$/gm)].map(
    ([, from = '']) => from,
  );
  assert.deepEqual(copied.toSorted(), letThrough.toSorted());
  for (const path of copied) {
    const { mode } = statSync(new URL(`../../${path}`, import.meta.url));
    assert.ok(mode > 0, path);
  }
  const start = /^ENTRYPOINT \["(\S+)"\]$/m.exec(dockerfile)?.[1] ?? '';
  assert.match(dockerfile, new RegExp(`^COPY entrypoint\\.sh ${start}$`, 'm'));
  const { mode } = statSync(new URL('../../entrypoint.sh', import.meta.url));
  assert.equal(mode & 0o111, 0o111, 'entrypoint.sh is executable');
});
