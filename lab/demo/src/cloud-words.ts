/** What happens in the cloud, in plain words: events of the lab's log. */
import type { CloudEvent, EventName, EventOf } from '@holdfast/azure-lab';

export interface CloudWords {
  /** `DPS`, or the name of the hub. */
  readonly source: string;
  readonly text: string;
  readonly level: 'info' | 'warn';
}

type Tellers = { readonly [N in EventName]?: (event: EventOf<N>) => CloudWords | undefined };

const STATUS: Readonly<Record<number, string>> = {
  0: 'no answer',
  202: 'accepted',
  401: 'not let in',
  429: 'throttled, come back later',
};

const ENDS: Readonly<Record<string, string>> = { client: 'by the device' };

/** What is not here is of no interest. */
const TELLERS: Tellers = {
  registration: asked,
  lookup: asked,
  // One of many: only told when it is refused.
  poll: (event) => (isGood(event.status) ? undefined : asked(event)),
  assigned: ({ hub = 'no hub', substatus }) =>
    told('DPS', `the device belongs to ${hub}${substatus === undefined ? '' : ` (${substatus})`}`),
  assignment_failed: ({ reason }) =>
    told('DPS', `no hub for the device: ${reason ?? 'refused'}`, 'warn'),
  connected: ({ hub }) => told(hub, 'the device is connected'),
  refused: ({ hub, reason }) => told(hub, `refuses the device: ${reason}`, 'warn'),
  disconnected: ({ hub, reason }) =>
    told(hub, `connection ended: ${ENDS[reason] ?? reason.replaceAll('_', ' ')}`, 'warn'),
  method_called: ({ hub, method }) => told(hub, `calls the direct method ${method}`),
  method_answered: ({ hub, method, status }) =>
    told(hub, `${method} answered with ${status ?? 'nothing'}`),
  hub_down: ({ hub }) => told(hub, 'is away', 'warn'),
  hub_up: ({ hub }) => told(hub, 'is back'),
};

/** Undefined when the event is of no interest here. */
export function tellCloud(event: CloudEvent): CloudWords | undefined {
  const teller = TELLERS[event.event] as
    ((event: CloudEvent) => CloudWords | undefined) | undefined;
  return teller?.(event);
}

function told(source: string, text: string, level: 'info' | 'warn' = 'info'): CloudWords {
  return { source, text, level };
}

function asked({ event, status }: { readonly event: string; readonly status: number }): CloudWords {
  const words = STATUS[status];
  const text = `${event}: ${status}${words === undefined ? '' : ` ${words}`}`;
  return told('DPS', text, isGood(status) ? 'info' : 'warn');
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}
