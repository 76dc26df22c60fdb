/**
 * A local Azure: DPS with one enrolment group, two hubs, and the provisioner that asks DPS. The key
 * of the device is derived here, as it would be off the device; the key of the group stays here.
 */
import { systemClock } from '@holdfast/kit';
import { deriveDeviceKey, newKey, startAdmin, startCloud } from '@holdfast/azure-lab';
import type { ActiveFault, Cloud, Hub } from '@holdfast/azure-lab';
import { dataFolder, isFree, removeFolder } from '@holdfast/lab/servers';
import { KEYS } from '@holdfast/redis';
import { tellCloud } from './cloud-words.ts';
import type { CloudView, ProvisioningView } from './core/cloud-view.ts';
import type { FarAction } from './core/keys.ts';
import type {
  FarParts,
  FarSide,
  FarView,
  Gateway,
  Status,
  Variables,
  Watched,
} from './far-side.ts';

export const GROUP = 'fleet';
export const DEVICE = 'demo';
const HUBS = ['hub-a', 'hub-b'];
/** Where `npx holdfast-cloud` looks when it is told nothing. */
const ADMIN_PORT = 7_880;
const RETRY_AFTER_SECONDS = 3;

/** Minutes and hours of a real fleet as seconds; every one a documented variable of the service. */
const QUICK_PROVISIONER: Variables = {
  DPS_INTERVAL_SECONDS: '0.5',
  DPS_RETRY_SECONDS: '1',
  DPS_RETRY_MAX_SECONDS: '5',
  DPS_REFUSED_RETRY_MINUTES: '0.1',
  HUB_RETRY_MINUTES: '0.25',
  HUB_RETRY_MAX_SECONDS: '2',
  FLEET_DEVICES: '16',
};
const QUICK_HANDLER: Variables = {
  HUB_RECONNECT_SECONDS: '1',
  HUB_PUBACK_TIMEOUT_SECONDS: '5',
  HUB_KEEPALIVE_SECONDS: '5',
  HUB_INTERVAL_SECONDS: '0.5',
};

interface HubCount {
  messages: number;
  readings: number;
  duplicates: number;
}

const LINK = KEYS.hubLink.key;
const PROVISIONING = KEYS.provisioningState.key;

export class CloudSide implements FarSide {
  readonly watched: Watched = {
    cursorKey: KEYS.hubLastId.key,
    hashes: [LINK, PROVISIONING],
    link: (hash) => {
      const { state = '', outcome = '' } = hash(LINK);
      return outcome === '' || outcome === 'ok' ? state : `${state} (${outcome})`;
    },
  };
  readonly #parts: FarParts;
  readonly #counts = new Map<string, HubCount>();
  readonly #away = new Set<string>();
  /** To be undone, last first. */
  readonly #undo: (() => PromiseLike<void> | void)[] = [];
  #cloud: Cloud | undefined;
  #command: string | undefined;
  #throttles: readonly ActiveFault[] = [];
  #disabled = false;
  #refused = 0;

  constructor(parts: FarParts) {
    this.#parts = parts;
  }

  async start(gateway: Gateway): Promise<Variables> {
    const cloud = await this.#startCloud();
    const { dps, caFile } = cloud;
    const groupKey = newKey();
    dps.enrol({
      enrollmentGroupId: GROUP,
      allocationPolicy: 'static',
      iotHubs: HUBS.slice(0, 1),
      attestation: {
        type: 'symmetricKey',
        symmetricKey: { primaryKey: groupKey, secondaryKey: newKey() },
      },
    });
    for (const hub of cloud.hubs) this.#receive(hub);
    gateway.keepService('provisioner', {
      DPS_ENDPOINT: dps.endpoint,
      DPS_ID_SCOPE: dps.idScope,
      DPS_REGISTRATION_ID: DEVICE,
      DPS_SYMMETRIC_KEY: deriveDeviceKey(groupKey, DEVICE),
      DPS_CA_CERTS: caFile,
      ...QUICK_PROVISIONER,
    });
    return { HUB_ENABLE: 'true', HUB_CA_CERTS: caFile, ...QUICK_HANDLER };
  }

  async act(action: FarAction): Promise<void> {
    const cloud = this.#cloud;
    if (cloud === undefined) return;
    switch (action) {
      case 'move':
        return this.#move(cloud);
      case 'throttle':
        return this.#throttle(cloud, this.#throttles.length === 0);
      case 'disable':
        return this.#disable(cloud, !this.#disabled);
      case 'reprovision':
        return this.#reprovision(cloud);
      case 'hub':
        return this.#toggleHub(cloud);
      case 'network':
        // That key belongs to the other demo.
        return undefined;
    }
  }

  async restore(): Promise<void> {
    const cloud = this.#cloud;
    if (cloud === undefined) return;
    if (this.#throttles.length > 0) this.#throttle(cloud, false);
    if (this.#disabled) this.#disable(cloud, false);
    await this.#bringBack(cloud);
  }

  view(hash: (key: string) => Status): FarView {
    return { networkCut: false, cloud: this.#view(hash(PROVISIONING)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#undo.splice(0).toReversed()) await undo();
  }

  async #startCloud(): Promise<Cloud> {
    // What is received is kept by the proof.
    const messages = { keep: 'counters' } as const;
    // Of our own: it goes also when the demo is ended before the cloud has started.
    const folder = dataFolder('demo-cloud');
    this.#undo.push(() => removeFolder(folder));
    const hubs = HUBS.map((name) => ({ name, messages }));
    const cloud = await startCloud({ folder, hubs });
    this.#undo.push(() => cloud.close());
    this.#cloud = cloud;
    this.#undo.push(
      cloud.log.subscribe((event) => {
        if ('status' in event && event.status === 429) this.#refused += 1;
        const words = tellCloud(event);
        if (words !== undefined) this.#parts.say(words.source, words.text, words.level);
      }),
    );
    const usual = await isFree(ADMIN_PORT);
    const admin = await startAdmin(cloud, usual ? { port: ADMIN_PORT } : {});
    this.#undo.push(() => admin.close());
    const where = usual ? '' : ` --admin http://127.0.0.1:${admin.port}`;
    this.#command = `npx holdfast-cloud watch${where}`;
    this.#parts.say('cloud', `${this.#command} shows all of it`);
    return cloud;
  }

  #receive(hub: Hub): void {
    const count: HubCount = { messages: 0, readings: 0, duplicates: 0 };
    this.#counts.set(hub.name, count);
    this.#undo.push(
      hub.messages.subscribe(({ body }) => {
        const { fresh, duplicates } = this.#parts.take(body.toString('utf8'));
        count.messages += 1;
        count.readings += fresh.length;
        count.duplicates += duplicates;
      }),
    );
  }

  /** The hub the device is to be at: where it was moved to, else where it has registered. */
  #home({ dps }: Cloud): string | undefined {
    return dps.settings.pins[DEVICE] ?? dps.registrations.get(DEVICE)?.hub;
  }

  #move(cloud: Cloud): void {
    const home = this.#home(cloud);
    const target = cloud.hubs.find((hub) => hub.name !== home)?.name ?? '';
    this.#parts.say('you', `move the device to ${target}`);
    cloud.dps.move(DEVICE, target);
  }

  #throttle(cloud: Cloud, on: boolean): void {
    this.#parts.say('you', on ? 'throttle DPS' : 'DPS answers again');
    for (const fault of this.#throttles) fault.remove();
    this.#throttles = [];
    if (!on) return;
    const retryAfter = { seconds: RETRY_AFTER_SECONDS };
    const action = { kind: 'status', status: 429, retryAfter } as const;
    const points = ['dps_register', 'dps_lookup'] as const;
    this.#throttles = points.map((at) => cloud.faults.add({ at, action }));
  }

  /** Locked out of DPS by its group, and of the hub that it is at. */
  #disable({ dps, hubs }: Cloud, disabled: boolean): void {
    this.#disabled = disabled;
    this.#parts.say('you', disabled ? 'disable the device' : 'enable the device');
    dps.enrolments.change('group', GROUP, { enabled: !disabled });
    const pinned = dps.settings.pins[DEVICE];
    for (const { name, registry } of hubs) {
      if (registry.get(DEVICE) === undefined) continue;
      // Being moved: the hub it comes from stays closed.
      const leaving = pinned !== undefined && pinned !== name;
      registry.update(DEVICE, { enabled: !disabled && !leaving });
    }
  }

  async #reprovision(cloud: Cloud): Promise<void> {
    const hub = cloud.hubs.find(({ connected }) => connected > 0);
    this.#parts.say('you', 'call the direct method Reprovision');
    if (hub === undefined) this.#parts.say('cloud', 'the device is at no hub', 'warn');
    else await hub.invokeMethod(DEVICE, 'Reprovision', {});
  }

  async #toggleHub(cloud: Cloud): Promise<void> {
    if (this.#away.size > 0) return this.#bringBack(cloud);
    const home = this.#home(cloud) ?? HUBS[0] ?? '';
    this.#parts.say('you', `take ${home} away`);
    this.#away.add(home);
    await cloud.hub(home).goDown();
  }

  async #bringBack(cloud: Cloud): Promise<void> {
    for (const name of this.#away) {
      this.#parts.say('you', `bring ${name} back`);
      await cloud.hub(name).comeUp();
      this.#away.delete(name);
    }
  }

  #view(stored: Status): CloudView {
    const cloud = this.#cloud;
    const { log } = cloud ?? {};
    return {
      command: this.#command,
      hubs: (cloud?.hubs ?? []).map(({ name, connected }) => ({
        name,
        connected: connected > 0,
        away: this.#away.has(name),
        ...(this.#counts.get(name) ?? { messages: 0, readings: 0, duplicates: 0 }),
      })),
      provisioning: provisioningOf(stored),
      assignedHub: cloud === undefined ? undefined : this.#home(cloud),
      throttled: this.#throttles.length > 0,
      disabled: this.#disabled,
      registrations: log?.count('registration') ?? 0,
      lookups: log?.count('lookup') ?? 0,
      polls: log?.count('poll') ?? 0,
      refused: this.#refused,
    };
  }
}

function provisioningOf({ state = '', reason = '', next_attempt_ms }: Status): ProvisioningView {
  // While DPS is asked it is the time that a process killed meanwhile goes on from.
  const asking = state === 'registering' || state === 'looking_up';
  const dueMs = asking ? Number.NaN : Number(next_attempt_ms || Number.NaN);
  const waitMs = dueMs - systemClock.nowMs();
  return { state, reason, nextAttemptInSeconds: waitMs > 0 ? waitMs / 1_000 : undefined };
}
