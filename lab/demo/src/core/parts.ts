/** Where the readings go, and the processes of the demo in the order of their keys `1` to `5`. */
export const DESTINATIONS = ['mqtt', 'azure'] as const;
export type Destination = (typeof DESTINATIONS)[number];

export const PARTS = {
  mqtt: ['sensor', 'startstopbutton', 'mqtthandler', 'redis', 'mosquitto'],
  azure: ['sensor', 'startstopbutton', 'mqtthandler', 'redis', 'provisioner'],
} as const satisfies Record<Destination, readonly string[]>;
export type PartName = (typeof PARTS)[Destination][number];
