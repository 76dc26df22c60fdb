/** The processes of the demo, in the order of their keys `1` to `5`. */
export const PARTS = ['sensor', 'startstopbutton', 'mqtthandler', 'redis', 'mosquitto'] as const;
export type PartName = (typeof PARTS)[number];
