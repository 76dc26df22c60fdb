/** The rows of the decision table for the hub: see decisions.ts. */
import type { HubCase, HubRow } from './verdicts.ts';

const isRefusal = (c: HubCase) => /^connack_[245]$/.test(c.outcome);

export const HUB_ROWS: readonly HubRow[] = [
  {
    id: 'hub_connected',
    outcome: 'connected',
    means: 'all is well',
    action:
      'whatever was planned because of the hub is dropped, and so is a failure of what was asked',
    fits: (c) => c.outcome === 'ok',
    verdict: { do: 'settle' },
  },
  {
    id: 'hub_refused_once',
    outcome: 'CONNACK 2, 4 or 5 for the first time',
    means: '401, 403 or 404: an expired token, a moved or deleted device; sometimes it passes',
    action: 'fresh token, same hub',
    fits: (c) => isRefusal(c) && c.refusals <= 1,
    verdict: { do: 'renew_token' },
  },
  {
    id: 'hub_refused_fixed',
    outcome: 'CONNACK 2, 4 or 5 again, assignment from a variable',
    means: 'wrong key, disabled or deleted device',
    action: 'fresh token and a longer wait every time; there is nobody to ask',
    fits: (c) => isRefusal(c) && !c.hasDps,
    verdict: { do: 'leave_alone' },
  },
  {
    id: 'hub_refused_clock_unsure',
    outcome: 'CONNACK 2, 4 or 5 again, and the kernel says its clock is not synchronised',
    means: 'perhaps only the clock',
    action: 'lookup, once, whose `Date` tells; waits as in the next row',
    // Once: the lookup has told the time, and knows of no move before the device registers again.
    fits: (c) => isRefusal(c) && c.kernelClock === 'unsynchronised' && !c.looked,
    verdict: { do: 'ask', question: 'lookup', wait: 'fruitless' },
  },
  {
    id: 'hub_refused',
    outcome: 'CONNACK 2, 4 or 5 again, with the fresh token',
    means: 'the device is not at this hub any more, or its key has changed',
    action: 'full registration: at once, then slower with every one that led nowhere',
    fits: isRefusal,
    verdict: { do: 'ask', question: 'register', wait: 'fruitless' },
  },
  {
    id: 'hub_busy',
    outcome: 'CONNACK 3',
    means: '5xx or throttled',
    action:
      'same hub, exponential from 5 s and never under a minute; lookup after `HUB_RETRY_MINUTES`',
    fits: (c) => c.outcome === 'connack_3',
    verdict: { do: 'same_hub', hold: true },
  },
  {
    id: 'hub_protocol',
    outcome: 'CONNACK 1',
    means: 'the hub does not speak our MQTT',
    action: 'alarm, exponential wait; DPS cannot help',
    fits: (c) => c.outcome === 'connack_1',
    verdict: { do: 'leave_alone' },
  },
  {
    id: 'hub_throws_out',
    outcome: 'connected and dropped within a minute, again and again',
    means: 'daily quota used up, throttled, or a second device with our id',
    action: 'same hub, exponential from 5 s and never under a minute; DPS is not asked',
    fits: (c) => c.outcome === 'dropped' && c.drops >= 2,
    verdict: { do: 'leave_alone' },
  },
  {
    id: 'hub_unreachable',
    outcome: 'no connection, a time-out, a connection lost',
    means: 'the network, the hub, a failover',
    action: 'same hub for `HUB_RETRY_MINUTES`, then a lookup; after as long again a registration',
    fits: () => true,
    verdict: { do: 'same_hub', hold: false },
  },
];
