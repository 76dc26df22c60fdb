/** Answers as the balena supervisor does: 202, 423 while locked, 401 for a wrong key, or not at all. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FakeSupervisor extends AsyncDisposable {
  readonly address: string;
  /** Requests so far, as `METHOD path?query`. */
  readonly requests: readonly string[];
  behaviour: 'accept' | 'locked' | 'hang';
}

export const API_KEY = 'a-secret-of-the-supervisor';

export async function startSupervisor(): Promise<FakeSupervisor> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const { searchParams } = new URL(request.url ?? '', 'http://localhost');
    if (searchParams.get('apikey') !== API_KEY) response.writeHead(401).end();
    else if (supervisor.behaviour === 'accept') {
      response
        .writeHead(202, { 'content-type': 'application/json' })
        .end('{"Data":"OK","Error":""}');
    } else if (supervisor.behaviour === 'locked') {
      const words = 'Lockfile exists for { appId: 1, service: sensor }';
      response.writeHead(423).end(JSON.stringify({ Data: '', Error: words }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const supervisor: FakeSupervisor = {
    address: `http://127.0.0.1:${port}`,
    requests,
    behaviour: 'accept',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return supervisor;
}
