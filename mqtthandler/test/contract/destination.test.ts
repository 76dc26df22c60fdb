import { connectAsync } from 'mqtt';
import { systemClock } from '@holdfast/kit';
import { startFaultProxy } from '@holdfast/lab/fault-proxy';
import { startMosquitto, until } from '@holdfast/lab/servers';
import { MqttDestination } from '../../src/adapters/mqtt-destination.ts';
import { PayloadPool } from '../../src/adapters/payload-pool.ts';
import { FakeDestination } from '../fakes/index.ts';
import { destinationSuite } from './destination-suite.ts';

destinationSuite('the destination in memory', () => {
  const destination = new FakeDestination();
  return Promise.resolve({
    destination,
    taken: () => Promise.resolve(destination.taken.map((readings) => JSON.stringify(readings))),
    cut: () => Promise.resolve(destination.cut()),
    leave: () => Promise.resolve(void (destination.away = true)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

destinationSuite('an MQTT broker', async () => {
  const broker = await startMosquitto();
  const network = await startFaultProxy({ targetPort: broker.port });
  const subscriber = await connectAsync(`mqtt://127.0.0.1:${broker.port}`);
  const taken: string[] = [];
  subscriber.on('message', (_topic, payload) => taken.push(payload.toString()));
  await subscriber.subscribeAsync('values', { qos: 1 });
  return {
    destination: new MqttDestination(
      {
        host: '127.0.0.1',
        port: network.port,
        clientId: 'contract',
        username: undefined,
        password: undefined,
        keepaliveSeconds: 60,
        tls: undefined,
        valuesTopic: 'values',
        commands: {
          topics: [],
          answerTopic: 'answers',
          submit: () => Promise.resolve(true),
          attach: () => () => {},
          onRefused: () => {},
          onAnswerRefused: () => {},
        },
        maxPayloadBytes: 100_000,
        maxInFlight: 8,
        pubackTimeoutMs: 5_000,
      },
      systemClock,
      new PayloadPool(),
    ),
    taken: async () => {
      await until('three messages', () => taken.length >= 3);
      return taken;
    },
    cut: () => Promise.resolve(network.breakConnections()),
    leave: () => network.cut(),
    [Symbol.asyncDispose]: async () => {
      await subscriber.endAsync(true);
      await network[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
});
