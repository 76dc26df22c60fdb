/**
 * DPS over MQTT 3.1.1: client id = registration id, user name
 * `{idScope}/registrations/{id}/api-version=...`, password = token (none with a certificate).
 *
 * - subscribe `$dps/registrations/res/#`
 * - publish `$dps/registrations/PUT/iotdps-register/?$rid={rid}`
 * - publish `$dps/registrations/GET/iotdps-get-operationstatus/?$rid={rid}&operationId={id}`
 * - answers on `$dps/registrations/res/{status}/?$rid={rid}[&retry-after={seconds}]`
 *
 * Who is not let in learns it at CONNECT (return code 5). Sessions are never kept. There is no topic
 * for the status lookup. Source: "Communicate with DPS using MQTT"; names of topic parameters are
 * in lower case because the Node SDK looks for `retry-after` in no other form.
 */
import type { IConnectPacket, IPublishPacket, ISubscribePacket, Packet } from 'mqtt-packet';
import type { Faults } from '../faults.ts';
import type { MqttConnection, MqttService } from '../mqtt-connection.ts';
import type { Delivery, DpsCall } from './call.ts';
import { renderRetryAfter } from './core/answer.ts';
import { normalId } from './core/enrolment.ts';
import { bodyOf, httpDate } from './http.ts';
import type { DpsService } from './service.ts';

const RESPONSES = '$dps/registrations/res/#';
const REGISTER = /^\$dps\/registrations\/PUT\/iotdps-register\/\?(.*)$/;
const POLL = /^\$dps\/registrations\/GET\/iotdps-get-operationstatus\/\?(.*)$/;
const USER_NAME = /^([^/]+)\/registrations\/([^/]+)\/(.*)$/;

type Identity = Pick<
  DpsCall,
  'transport' | 'idScope' | 'registrationId' | 'apiVersion' | 'presented'
>;

export class DpsMqtt implements MqttService {
  readonly #service: DpsService;
  readonly #faults: Faults;

  constructor(service: DpsService, faults: Faults) {
    this.#service = service;
    this.#faults = faults;
  }

  claims(connect: IConnectPacket): boolean {
    return USER_NAME.test(connect.username ?? '');
  }

  accept(connection: MqttConnection, connect: IConnectPacket): void {
    const identity = identityOf(connection, connect);
    const fault = this.#faults.take('dps_connect', 'dps', identity?.registrationId ?? '');
    const action = fault?.action ?? { kind: 'pass' };
    if (action.kind === 'hang' || action.kind === 'withhold') return;
    if (action.kind === 'connack') return refuse(connection, action.code);
    if (action.kind !== 'pass') return connection.destroy();
    const code = this.#returnCode(connect, identity);
    if (identity === undefined || code !== 0) return refuse(connection, code);
    connection.write({ cmd: 'connack', returnCode: 0, sessionPresent: false });
    serveSession(connection, connect, identity, this.#service);
  }

  #returnCode(connect: IConnectPacket, identity: Identity | undefined): number {
    if (connect.protocolVersion !== 4) return 1;
    if (identity === undefined) return 4;
    const { idScope, registrationId, presented } = identity;
    if (normalId(connect.clientId) !== registrationId) return 2;
    return this.#service.authenticate(idScope, registrationId, presented).ok ? 0 : 5;
  }
}

function identityOf(connection: MqttConnection, connect: IConnectPacket): Identity | undefined {
  const found = USER_NAME.exec(connect.username ?? '');
  const [, idScope, id, rest] = found ?? [];
  if (idScope === undefined || id === undefined) return undefined;
  const password = connect.password?.toString();
  return {
    transport: 'mqtt',
    idScope,
    registrationId: normalId(id),
    apiVersion: new URLSearchParams(rest ?? '').get('api-version') ?? '',
    presented: {
      sas: password === undefined || password === '' ? undefined : password,
      chain: connection.chain,
    },
  };
}

function refuse(connection: MqttConnection, returnCode: number): void {
  connection.write({ cmd: 'connack', returnCode, sessionPresent: false });
  connection.end();
}

function serveSession(
  connection: MqttConnection,
  connect: IConnectPacket,
  identity: Identity,
  service: DpsService,
): void {
  let isSubscribed = false;
  const alive = watchKeepalive(connection, connect.keepalive ?? 0);
  const send = publisher(connection);
  const publish: Publish = (topic, payload) => {
    if (isSubscribed) send(topic, payload);
  };
  connection.onPacket = (packet: Packet) => {
    alive();
    switch (packet.cmd) {
      case 'subscribe':
        isSubscribed = grant(connection, packet) || isSubscribed;
        return;
      case 'unsubscribe':
        connection.write({ cmd: 'unsuback', messageId: packet.messageId ?? 0, granted: [] });
        return;
      case 'publish':
        return onPublish(connection, packet, identity, service, publish);
      case 'pingreq':
        return connection.write({ cmd: 'pingresp' });
      case 'puback':
        return;
      case 'disconnect':
        return connection.end();
      case 'connect':
      case 'connack':
      case 'suback':
      case 'unsuback':
      case 'pubrec':
      case 'pubrel':
      case 'pubcomp':
      case 'pingresp':
      case 'auth':
        return connection.destroy();
    }
  };
}

type Publish = (topic: string, payload: string) => void;

function publisher(connection: MqttConnection): Publish {
  let messageId = 0;
  return (topic, payload) => {
    messageId = (messageId % 0xffff) + 1;
    const message = { topic, payload, qos: 1, dup: false, retain: false, messageId } as const;
    connection.write({ cmd: 'publish', ...message });
  };
}

/** @returns whether answers may be sent from now on */
function grant(connection: MqttConnection, packet: ISubscribePacket): boolean {
  const granted = packet.subscriptions.map(({ topic, qos }) =>
    topic === RESPONSES ? Math.min(1, qos) : 0x80,
  );
  connection.write({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
  return granted.some((qos) => qos !== 0x80);
}

function onPublish(
  connection: MqttConnection,
  packet: IPublishPacket,
  identity: Identity,
  service: DpsService,
  publish: Publish,
): void {
  const asked = callOf(packet, identity);
  if (asked === undefined || packet.qos === 2) return connection.destroy();
  if (packet.qos === 1 && packet.messageId !== undefined) {
    connection.write({ cmd: 'puback', messageId: packet.messageId });
  }
  void service.handle(asked.call).then((delivery) => {
    if (delivery.kind === 'close') connection.destroy();
    if (delivery.kind === 'answer') {
      const { topic, payload } = render(delivery, asked.rid, service.nowMs);
      publish(topic, payload);
    }
  });
}

function callOf(
  packet: IPublishPacket,
  identity: Identity,
): { readonly call: DpsCall; readonly rid: string } | undefined {
  const register = REGISTER.exec(packet.topic);
  const poll = POLL.exec(packet.topic);
  const parameters = new URLSearchParams((register ?? poll)?.[1] ?? '');
  const rid = parameters.get('$rid');
  if (rid === null) return undefined;
  const body = packet.payload.toString();
  if (register !== null) return { rid, call: { ...identity, operation: 'register', body } };
  const operationId = parameters.get('operationId') ?? '';
  return { rid, call: { ...identity, operation: 'poll', body, operationId } };
}

function render(
  delivery: Extract<Delivery, { kind: 'answer' }>,
  rid: string,
  nowMs: number,
): { readonly topic: string; readonly payload: string } {
  const { answer, text } = delivery;
  const value =
    answer.retryAfter === undefined
      ? undefined
      : renderRetryAfter(answer.retryAfter, nowMs, httpDate);
  const retryAfter = value === undefined ? '' : `&retry-after=${encodeURIComponent(value)}`;
  return {
    topic: `$dps/registrations/res/${answer.status}/?$rid=${rid}${retryAfter}`,
    payload: text ?? JSON.stringify(bodyOf(answer, nowMs)),
  };
}

/** Silence for 1.5 times the keepalive ends the connection. @returns call it for every packet */
function watchKeepalive(connection: MqttConnection, keepaliveSeconds: number): () => void {
  if (keepaliveSeconds === 0) return () => {};
  const timer = setTimeout(() => connection.destroy(), keepaliveSeconds * 1_500);
  connection.onClosed = () => clearTimeout(timer);
  return () => void timer.refresh();
}
