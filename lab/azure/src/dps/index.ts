/** A running DPS instance: the service, its two transports, and what tests and tools do with it. */
import type { Clock } from '@holdfast/kit';
import type { PemPair } from '../certificates.ts';
import type { EventLog } from '../event-log.ts';
import type { Faults } from '../faults.ts';
import type { Json } from '../json.ts';
import { MqttEndpoint, startMqttEndpoint } from '../mqtt-endpoint.ts';
import type { HubDirectory } from '../ports.ts';
import { normalId } from './core/enrolment.ts';
import type { Enrolment } from './core/enrolment.ts';
import { parseEnrolment } from './core/enrolment-json.ts';
import { Enrolments, enrolmentTools } from './enrolments.ts';
import type { AllocationFunction } from './enrolments.ts';
import { startDpsHttp } from './http.ts';
import type { DpsHttpOptions } from './http.ts';
import { moveDevice, moveGroup } from './move.ts';
import type { MoveOptions } from './move.ts';
import { DpsMqtt } from './mqtt.ts';
import { DpsService } from './service.ts';
import { DEFAULT_SETTINGS } from './settings.ts';
import type { DpsSettings } from './settings.ts';
import type { Registration } from './registrations.ts';

export interface DpsOptions {
  readonly clock: Clock;
  readonly log: EventLog;
  readonly faults: Faults;
  readonly hubs: HubDirectory;
  /** Authority of this cloud: enrolments by certificate that name no other trust it. */
  readonly caPem: string;
  readonly server: PemPair;
  /** Address to listen on. */
  readonly listenHost: string;
  /** What devices call it by. */
  readonly host: string;
  /** 0 = a free one. */
  readonly httpsPort?: number;
  /** 0 = a free one. */
  readonly mqttPort?: number;
  /** Serves MQTT elsewhere, on a port that hubs share; `mqttPort` is without effect then. */
  readonly serveMqtt?: (service: DpsMqtt) => Promise<{ readonly port: number }>;
  readonly settings?: Partial<DpsSettings>;
  readonly onUpgrade?: DpsHttpOptions['onUpgrade'];
}

export interface Dps extends AsyncDisposable {
  readonly host: string;
  readonly httpsPort: number;
  readonly mqttPort: number;
  /** `host:port` of HTTPS, for `DPS_ENDPOINT` and the like. */
  readonly endpoint: string;
  /** `host:port` of MQTT. */
  readonly mqttEndpoint: string;
  readonly idScope: string;
  /** May be changed at any time. */
  readonly settings: DpsSettings;
  readonly enrolments: Enrolments;
  readonly registrations: ReadonlyMap<string, Registration>;
  readonly service: DpsService;
  /**
   * Creates or replaces an enrolment from the service's own JSON or its short forms
   * (core/enrolment-json.ts).
   * @param allocate custom allocation in this process; makes the allocation `custom`
   * @throws EnrolmentError naming everything that is wrong
   */
  enrol(json: Json, allocate?: AllocationFunction): Enrolment;
  /**
   * Sends a device to another hub, as its reprovisioning policy has it: pinned there, and shut out
   * of its present hub (connection dropped, CONNECT answered with 5), so that it registers again.
   * @throws Error when there is no such hub
   */
  move(registrationId: string, hub: string, options?: MoveOptions): void;
  /**
   * The same for all devices of a group, those still to come included.
   * @throws Error when there is no such group or hub
   */
  moveGroup(group: string, hub: string, options?: MoveOptions): void;
  close(): Promise<void>;
}

/** An enrolment nobody can use. */
export class EnrolmentError extends Error {
  override readonly name = 'EnrolmentError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join('; '));
    this.faults = faults;
  }
}

export async function startDps(options: DpsOptions): Promise<Dps> {
  const { clock, log, faults, hubs, caPem, host } = options;
  const settings: DpsSettings = { ...DEFAULT_SETTINGS, ...options.settings };
  const enrolments = new Enrolments(() => clock.nowMs());
  const service = new DpsService({ clock, log, faults, hubs, enrolments, settings });
  const { http, mqtt } = await listen(options, service);
  const parts = { hubs, enrolments, settings, registrations: service.registrations };
  const close = async () => {
    await Promise.all([http.close(), mqtt instanceof MqttEndpoint ? mqtt.stop() : undefined]);
    await service.settled();
  };
  return {
    host,
    httpsPort: http.port,
    mqttPort: mqtt.port,
    endpoint: `${host}:${http.port}`,
    mqttEndpoint: `${host}:${mqtt.port}`,
    get idScope() {
      return settings.idScope;
    },
    settings,
    enrolments,
    registrations: service.registrations,
    service,
    enrol(json, allocate) {
      const parsed = parseEnrolment(json, enrolmentTools(caPem, settings.defaultAllocation));
      if (!parsed.ok) throw new EnrolmentError(parsed.faults);
      const { enrolment } = parsed;
      if (allocate === undefined) return enrolments.put(enrolment);
      return enrolments.put({ ...enrolment, allocation: 'custom' }, allocate);
    },
    move: (registrationId, hub, more) =>
      moveDevice(parts, { ...more, registrationId: normalId(registrationId), hub }),
    moveGroup: (group, hub, more) => moveGroup(parts, { ...more, group, hub }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function listen(options: DpsOptions, service: DpsService) {
  const { caPem: ca, server, listenHost, faults, onUpgrade } = options;
  const common = { server, ca, listenHost };
  const mqttService = new DpsMqtt(service, faults);
  const own = { ...common, port: options.mqttPort ?? 0, services: [mqttService] };
  const mqtt = await (options.serveMqtt?.(mqttService) ?? startMqttEndpoint(own));
  const http = startDpsHttp({
    ...common,
    service,
    port: options.httpsPort ?? 0,
    ...(onUpgrade === undefined ? {} : { onUpgrade }),
  });
  return {
    mqtt,
    http: await http.catch(async (error: unknown) => {
      if (mqtt instanceof MqttEndpoint) await mqtt.stop();
      throw error;
    }),
  };
}

export type { AllocationFunction } from './enrolments.ts';
export type { MoveOptions } from './move.ts';
export type { DpsSettings } from './settings.ts';
export type { Registration } from './registrations.ts';
export type { Enrolment } from './core/enrolment.ts';
