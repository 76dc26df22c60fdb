/** The IoT Hub destination over the wire, and the one in memory, held to what every destination promises. */
import { createSas, startCloud, symmetricKeyDevice } from '@holdfast/azure-lab';
import { systemClock } from '@holdfast/kit';
import { seededRandom } from '@holdfast/kit/testing';
import { until } from '@holdfast/lab/servers';
import { HubClient } from '../../src/adapters/hub/hub-client.ts';
import { HubDestination } from '../../src/adapters/hub/hub-destination.ts';
import { LINK_OFF } from '../../src/adapters/hub/link-report.ts';
import { Bell } from '../../src/bell.ts';
import { HubBench, credentials } from '../fakes/fake-hub.ts';
import { destinationSuite } from './destination-suite.ts';

destinationSuite('a hub in memory', () => {
  const bench = new HubBench();
  return Promise.resolve({
    destination: bench.destination,
    taken: () =>
      Promise.resolve(bench.connections.flatMap(({ sent }) => sent.map(({ body }) => body))),
    cut: () => Promise.resolve(bench.connection.drop()),
    leave: () => Promise.resolve(void (bench.refusal = 'network')),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

destinationSuite('an IoT Hub', async () => {
  const cloud = await startCloud({ hubs: ['hub-a'] });
  const hub = cloud.hub('hub-a');
  const key = Buffer.alloc(32, 1).toString('base64');
  hub.registry.create(symmetricKeyDevice('d', key));
  const resource = encodeURIComponent(`${hub.host}/devices/d`);
  const token = createSas({ resource, key, expiresSeconds: Date.now() / 1_000 + 3_600 });
  const current = credentials({ host: hub.host, auth: { kind: 'sas', token, expiresMs: 0 } });
  return {
    destination: new HubDestination({
      settings: {
        maxMessageBytes: 262_144,
        maxInFlight: 50,
        pubackTimeoutMs: 5_000,
        rules: { gapMs: 1_000 },
      },
      credentials: { current, changed: new Bell() },
      link: { fields: LINK_OFF, load: () => Promise.resolve(LINK_OFF), report() {}, repeat() {} },
      clock: systemClock,
      random: seededRandom(1),
      open: (used, signal) =>
        HubClient.open(
          used,
          {
            keepaliveSeconds: 60,
            ca: cloud.ca,
            x509: undefined,
            pubackTimeoutMs: 5_000,
            onFault: () => {},
          },
          signal,
        ),
      serve: () => {},
    }),
    taken: async () => {
      await until('three messages', () => hub.messages.total >= 3);
      return hub.messages.all.map(({ body }) => body.toString());
    },
    cut: () => Promise.resolve(hub.dropConnections()),
    leave: () => hub.goDown(),
    [Symbol.asyncDispose]: () => cloud.close(),
  };
});
