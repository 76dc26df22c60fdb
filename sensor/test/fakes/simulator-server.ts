/** The lab's hardware simulator with I2C only, on a socket of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { I2cSimulation, startHardwareSimulator } from '@holdfast/lab/hardware';

export interface SimulatorServer extends AsyncDisposable {
  readonly path: string;
  readonly simulation: I2cSimulation;
  /** Ends every connection; clients have to come again. */
  disconnect(): void;
}

export async function startSimulator(): Promise<SimulatorServer> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-simulator-'));
  const simulation = new I2cSimulation();
  const path = join(dir, 'socket');
  const server = await startHardwareSimulator({ path, handlers: { i2c: simulation } });
  return {
    path,
    simulation,
    disconnect: () => server.dropConnections(),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
