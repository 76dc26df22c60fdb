/**
 * What a registration does to the device's data: the decision table of reprovisioning.
 *
 * | policy | hub changes | same hub |
 * | --- | --- | --- |
 * | migrate | move, take the twin along: `deviceDataMigrated` | keep: `reprovisionedToInitialAssignment` |
 * | reset | move, start with the initial twin: `deviceDataReset` | initial twin again, same substatus as keep |
 * | never | keep | keep |
 * | none stored | API up to 2018-04-01: as never; newer: as migrate | |
 *
 * A stored policy beats the API version. The device is created afresh when it never had a hub, or
 * when its hub no longer knows it. An initial twin returned by custom allocation counts for a new
 * device and for a reset that changes the hub, nowhere else. Sources: "IoT Hub Device reprovisioning
 * concepts" (policies, backwards compatibility) and "custom allocation", implementation details.
 */
import type { InitialTwin, ReprovisionPolicy } from './enrolment.ts';

export type Substatus =
  | 'initialAssignment'
  | 'deviceDataMigrated'
  | 'deviceDataReset'
  | 'reprovisionedToInitialAssignment';

/** The last API version with sticky assignments: its devices stay unless a policy says otherwise. */
const LAST_STICKY_API_VERSION = '2018-04-01';

export interface ReprovisionInput {
  readonly policy: ReprovisionPolicy | undefined;
  /** `api-version` of the request, `yyyy-mm-dd`. */
  readonly apiVersion: string;
  /** Where the device is now; `known` = that hub still has its identity. */
  readonly current: { readonly hub: string; readonly known: boolean } | undefined;
  /** What allocation chose. */
  readonly chosenHub: string;
  /** Of the enrolment. */
  readonly initialTwin: InitialTwin;
  /** Of custom allocation. */
  readonly returnedTwin: InitialTwin | undefined;
}

export type Plan = { readonly hub: string; readonly substatus: Substatus } & (
  | { readonly kind: 'create'; readonly twin: InitialTwin }
  | { readonly kind: 'migrate'; readonly from: string }
  | { readonly kind: 'replace'; readonly from: string; readonly twin: InitialTwin }
  | { readonly kind: 'keep' }
  | { readonly kind: 'reset'; readonly twin: InitialTwin }
);

/** The policy that counts for a request. */
export function effectivePolicy(
  policy: ReprovisionPolicy | undefined,
  apiVersion: string,
): ReprovisionPolicy {
  if (policy !== undefined) return policy;
  return apiVersion <= LAST_STICKY_API_VERSION ? 'never' : 'migrate';
}

export function planReprovision(input: ReprovisionInput): Plan {
  const { current, chosenHub, initialTwin } = input;
  const policy = effectivePolicy(input.policy, input.apiVersion);
  const firstTwin = input.returnedTwin ?? initialTwin;
  if (current === undefined) {
    return { kind: 'create', hub: chosenHub, substatus: 'initialAssignment', twin: firstTwin };
  }
  const hub = policy === 'never' ? current.hub : chosenHub;
  if (!current.known) {
    return { kind: 'create', hub, substatus: 'initialAssignment', twin: firstTwin };
  }
  if (hub === current.hub) {
    const substatus = 'reprovisionedToInitialAssignment';
    if (policy === 'reset') return { kind: 'reset', hub, substatus, twin: initialTwin };
    return { kind: 'keep', hub, substatus };
  }
  if (policy === 'reset') {
    const substatus = 'deviceDataReset';
    return { kind: 'replace', from: current.hub, hub, substatus, twin: firstTwin };
  }
  return { kind: 'migrate', from: current.hub, hub, substatus: 'deviceDataMigrated' };
}
