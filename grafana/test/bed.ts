/** The running service on a Redis of its own, asked as Grafana's data source asks it. */
import { freePort, service, startRedis, until } from '@holdfast/lab/servers';
import type { InfinityQuery } from '../src/query.ts';
import type { Fixture } from './fixtures.ts';
import { requestOf } from './infinity.ts';
import type { Row, Variables } from './infinity.ts';

export interface Bed extends AsyncDisposable {
  readonly nowMs: number;
  /** The answer to a query of a dashboard, over the range of the fixture. */
  rows(query: InfinityQuery, variables?: Variables): Promise<readonly Row[]>;
}

export async function startBed(fixture: Fixture): Promise<Bed> {
  const redis = await startRedis();
  const nowMs = Date.now();
  const port = await freePort();
  const api = service('grafana/api', { ...redis.env, DASHBOARD_PORT: String(port) });
  const base = `http://127.0.0.1:${port}`;
  try {
    await fixture.fill(redis.client, nowMs);
    api.start();
    await until('grafana-api answers from Redis', async () => answers(base));
  } catch (error) {
    await api.kill();
    await redis[Symbol.asyncDispose]();
    throw error;
  }
  return {
    nowMs,
    async rows(query, variables = {}) {
      const range = { __timeFrom: String(nowMs - fixture.rangeMs), __timeTo: String(nowMs) };
      const all = { sensor: '*', quantity: '*', ...range, ...variables };
      const response = await fetch(base + requestOf(query, all));
      const body = await response.text();
      if (response.status !== 200) throw new Error(`${response.status}: ${body}`);
      return JSON.parse(body) as Row[];
    },
    async [Symbol.asyncDispose]() {
      await api.stop();
      await redis[Symbol.asyncDispose]();
    },
  };
}

async function answers(base: string): Promise<boolean> {
  try {
    return (await fetch(`${base}/api/status`)).ok;
  } catch {
    return false;
  }
}
