/** The lab's I2C simulation behind a Unix socket of its own, as the hardware simulator serves it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { I2cSimulation } from '../../../lab/src/hardware/i2c/index.ts';

export interface SimulatorServer extends AsyncDisposable {
  readonly path: string;
  readonly simulation: I2cSimulation;
  /** Ends every connection; clients have to come again. */
  disconnect(): void;
}

export async function startSimulator(): Promise<SimulatorServer> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-simulator-'));
  const path = join(dir, 'socket');
  const simulation = new I2cSimulation();
  const sockets = new Set<Socket>();
  const serve = async (socket: Socket, line: string) => {
    const request = JSON.parse(line) as Record<string, unknown>;
    const answer = await simulation.handle(request);
    if (!socket.destroyed) socket.write(`${JSON.stringify({ ...answer, id: request['id'] })}\n`);
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    createInterface({ input: socket })
      .on('line', (line) => void serve(socket, line))
      // readline passes the socket's errors on.
      .on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const disconnect = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    path,
    simulation,
    disconnect,
    async [Symbol.asyncDispose]() {
      disconnect();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true, force: true });
    },
  };
}
