import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { until } from '@holdfast/lab/servers';
import { codeOf, commandBed } from './command-bed.ts';

/** Resident memory of a process, MB. */
function residentMb(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1_024;
}

test('ten thousand commands at once neither kill nor hold up the readings', async () => {
  await using bed = await commandBed();
  const { commander, handler, redis } = bed;
  const { pid } = handler;
  const from = commander.answers.length;
  let produced = 0;
  const producer = setInterval(() => {
    for (let i = 0; i < 10; i += 1) {
      produced += 1;
      redis.client
        .xadd('measurement:values', `${produced}-0`, 'n', String(produced))
        .catch(() => {});
    }
  }, 20);
  try {
    await until('readings flow', () => commander.readings.size > 100);
    const beforeMb = residentMb(pid);
    const commands = [
      JSON.stringify({ command: 'get_config', key: 'measurement:interval' }),
      JSON.stringify({ command: 'set_config', key: 'mqtt_sender:last_id', value: 'x' }),
      'nonsense',
      'x'.repeat(20_000),
    ];
    const sent = Array.from({ length: 10_000 }, (_, i) => commander.send(commands[i % 4]));
    let peakMb = beforeMb;
    const watch = setInterval(() => {
      peakMb = Math.max(peakMb, residentMb(pid));
    }, 50);
    await Promise.all(sent);
    const last = { command: 'get_config', key: 'measurement:interval', id: 'after the flood' };
    await until(
      'commands are taken again',
      async () => {
        const at = commander.answers.length;
        await commander.send(last);
        const answer = await commander
          .answer(({ id }) => id === last.id, at, 2_000)
          .catch(() => ({}));
        return codeOf(answer) === undefined && 'value' in answer;
      },
      60_000,
    );
    clearInterval(watch);
    clearInterval(producer);
    await until('every reading', () => commander.readings.size === produced, 30_000);
    assert.equal(handler.pid, pid);
    assert.ok(peakMb - beforeMb < 100, `${beforeMb} MB became ${peakMb} MB`);
    const answers = commander.answers.slice(from);
    assert.ok(answers.some((answer) => codeOf(answer) === 'rate_limited'));
    assert.ok(answers.length < 2_000, `${answers.length} answers`);
    const told = answers
      .filter((answer) => codeOf(answer) === 'rate_limited' && typeof answer['count'] === 'number')
      .reduce((sum, answer) => sum + Number(answer['count']), 0);
    const own = answers.filter((answer) => answer['count'] === undefined).length;
    assert.ok(told + own >= 10_000, `${told} counted and ${own} answered of 10000`);
    assert.equal(Math.max(...commander.readings.values()), 1);
  } finally {
    clearInterval(producer);
  }
});
