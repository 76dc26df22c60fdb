// Bundles each service into <service>/dist/main.js, so a container needs no node_modules beside the
// native modules. What a service imports only when it needs it (`await import`) stands in files of
// its own beside it and takes no memory before. The banner gives bundled CommonJS clients the
// `require` they expect.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../', import.meta.url));
const all = ['sensor', 'startstopbutton', 'mqtthandler', 'provisioner', 'grafana/api'];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : all;
const services = wanted.filter((name) => existsSync(`${root}${name}/src/main.ts`));

for (const service of services) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: `${service}/src/main.ts` },
    outdir: `${service}/dist`,
    bundle: true,
    splitting: true,
    chunkNames: 'part-[hash]',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    logLevel: 'warning',
    external: ['i2c-bus', 'onoff'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  // Parts of an earlier build.
  const made = new Set(Object.keys(metafile.outputs));
  for (const file of readdirSync(`${root}${service}/dist`)) {
    const old = file.startsWith('part-') && !made.has(`${service}/dist/${file}`);
    if (old) rmSync(`${root}${service}/dist/${file}`);
  }
}

// The page that grafana/api serves: three small files, for any browser of the last years.
if (services.includes('grafana/api')) {
  await build({
    absWorkingDir: `${root}grafana/api`,
    entryPoints: ['page/page.ts', 'page/page.css', 'page/index.html', 'page/icon.svg'],
    outdir: 'dist/page',
    bundle: true,
    minify: true,
    target: ['es2022', 'safari16'],
    format: 'iife',
    charset: 'utf8',
    logLevel: 'warning',
    loader: { '.html': 'copy', '.svg': 'copy' },
  });
}
