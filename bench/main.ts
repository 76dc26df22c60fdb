/**
 * `make bench`: figures of this machine, each beside its reference in the same run. Nothing here is
 * asserted: machines differ and are noisy. `make bench BENCH="latency replay"` runs a part,
 * `BENCH_READINGS=1000000` adds that size to the replay, `BENCH_DEVICES` sets the number of devices of
 * the cloud.
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { benchCloud } from './cloud.ts';
import { benchCost } from './cost.ts';
import { benchLatency } from './latency.ts';
import { benchReplay } from './replay.ts';
import { benchViewers } from './viewers.ts';

const wanted = process.argv.slice(2);
const chosen = (name: string) => wanted.length === 0 || wanted.includes(name);

console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`);
console.log(`${new Date().toISOString().slice(0, 10)}, load ${loadavg()[0]?.toFixed(1)}`);
if (chosen('cost')) benchCost();
if (chosen('latency')) await benchLatency();
if (chosen('replay')) {
  const extra = Number(process.env['BENCH_READINGS'] ?? 0);
  await benchReplay(extra > 100_000 ? [100_000, extra] : [100_000]);
}
if (chosen('cloud')) await benchCloud();
if (chosen('viewers')) await benchViewers();
if (chosen('containers')) {
  console.log('\nContainers');
  const program = 'exec node --import tsx bench/containers.ts';
  const words = ['bash', '-c', `lab/containers/tools/base-images.sh && ${program}`];
  // A process of its own, with a Docker engine that is started for it where none answers.
  execFileSync('lab/containers/tools/engine.sh', words, { stdio: 'inherit' });
}
