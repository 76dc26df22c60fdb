/** A door before a broker that hangs up on MQTT 5, as brokers do that only know 3.1.1. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface OldBroker extends AsyncDisposable {
  readonly port: number;
}

export async function startOldBroker(brokerPort: number): Promise<OldBroker> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', (first) => {
      if (protocolLevel(first) !== 4) {
        socket.destroy();
        return;
      }
      const upstream = connect(brokerPort, '127.0.0.1');
      sockets.add(upstream);
      upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
      socket.on('close', () => upstream.destroy());
      upstream.write(first);
      socket.pipe(upstream).pipe(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The byte after the protocol name of a CONNECT [MQTT-3.1.2-1]; 4 = 3.1.1, 5 = 5.0. */
function protocolLevel(connectPacket: Buffer): number | undefined {
  const at = connectPacket.indexOf('MQTT');
  return at < 0 ? undefined : connectPacket[at + 4];
}
