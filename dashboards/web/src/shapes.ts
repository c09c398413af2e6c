/** What the desk answers, as far as the window reads it. Instants are ISO 8601 in UTC, temperatures °C. */

export type Names = Record<string, string>;
export interface PlaceRef {
  id: string;
  name: Names;
}
export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Me {
  user: { username: string; role: string; places: PlaceRef[] };
  permissions: string[];
}
export interface SignedIn extends Me {
  token: string;
  expires_at: string;
}

export interface Place extends PlaceRef {
  kind: string;
  parent_id: string | null;
  zone: string;
}
export interface StoragePoint {
  id: string;
  name: string;
  storage_class: string;
  place: PlaceRef;
  devices: string[];
  /** In full only. */
  rules?: { name: string; version: number; own: boolean; may_edit: boolean };
  going_on?: Timer[];
}
/** A rule that a sensor is breaking, or of which a sum runs. */
export interface Timer {
  device_id: string;
  sensor: string;
  rule: string;
  kind: Side;
  severity: string;
  state: 'out' | 'warning' | 'alarm';
  mode: 'consecutive' | 'cumulative';
  limit_c: number | null;
  is_out: boolean;
  started_at: string;
  minutes_out: number;
  duration_s: number;
  window_s: number | null;
  alarmed_at: string | null;
  full_at: string;
}

export interface Band {
  low_c: number | null;
  high_c: number | null;
}
export interface Strip {
  from: string;
  step_s: number;
  min: (number | null)[];
  max: (number | null)[];
}
export type State = 'hot' | 'cold' | 'watch' | 'silent' | 'fault' | 'power' | 'ok' | 'empty';
/** Instants of a forecast: see the API's Breach. `latest_at` is null where nobody can say. */
export interface PowerCut {
  since: string;
  breach: { limit_c: number; earliest_at: string; likely_at: string; latest_at: string | null; learned_from: number; is_beyond: boolean } | null;
}
export interface Row {
  id: string;
  kind: 'point' | 'not-placed';
  name: string;
  place: PlaceRef | null;
  storage_class: string;
  state: State;
  severity: 'out' | 'warning' | 'alarm' | null;
  celsius: number | null;
  measured_at: string | null;
  device_id: string | null;
  sensor: string | null;
  since: string | null;
  limit_c: number | null;
  alarm_at: string | null;
  alarmed_at: string | null;
  /** Of a cumulative rule: what counts in its sum now. */
  minutes_summed?: number | null;
  trend_c_per_h: number | null;
  last_heard_at: string | null;
  silent_since?: string | null;
  fault: string | null;
  incident: { id: string; kind?: string; state: string; acknowledged_by: string | null; acknowledged_at: string | null } | null;
  power_cut?: PowerCut | null;
  band: Band;
  strip?: Strip | null;
  /** In live rows only: the newest reading, [ms UTC, tenths of a degree]. */
  point?: [number, number] | null;
}
export interface WallPicture {
  place: PlaceRef & { zone: string };
  at: string;
  items: Row[];
  not_placed: Row[];
}

export type Side = 'heat' | 'frost' | 'door' | 'power';
export interface Excursion {
  id: string;
  device_id: string;
  sensor: string;
  storage_point_id: string | null;
  rule: string;
  kind: Side;
  rule_set: string;
  rule_version: number;
  severity: string;
  started_at: string;
  alarmed_at: string | null;
  ended_at: string | null;
  /** Null of a door and of the power. */
  extreme_c: number | null;
  minutes_out: number;
  minutes_unknown: number;
  proven: boolean;
  /** Its sensor was moved before it came back. */
  cut?: boolean;
  /** When a person closed what no reading had ended. */
  closed_at?: string | null;
  incident_id: string | null;
  withdrawn_at?: string | null;
}
export interface Incident {
  id: string;
  kind: string;
  state: string;
  severity: string | null;
  started_at: string;
  ended_at: string | null;
  known_at: string;
  storage_points: { id: string; name: string; place: PlaceRef }[];
  devices: string[];
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  /** When a person closed it. */
  closed_at?: string | null;
}
export interface IncidentInFull extends Incident {
  /** No sensor that is heard is still out of range: a person may close it, with the reason. */
  closable?: boolean;
  intervals: Excursion[];
  revisions: { known_at: string; what: string; facts: Record<string, unknown> }[];
  notes: { kind: string; text: string; by: string; happened_at: string }[];
}

export interface Bucket {
  at: string;
  min_c: number;
  mean_c: number;
  max_c: number;
  count: number;
}
export interface Chart {
  from: string;
  to: string;
  bucket_s: number;
  items: Bucket[];
  gaps: { from: string; to: string }[];
  band: Band;
  limits: { heat_c: number | null; frost_c: number | null };
  summary?: {
    time_in_range_pct: number | null;
    lowest_c: number | null;
    highest_c: number | null;
    unknown_minutes: number;
  };
  excursions: Excursion[];
}

export interface Device {
  device_id: string;
  kind?: string;
  model: string | null;
  dialect: string;
  interval_s: number;
  guarantee: 'acknowledged' | 'mqtt' | 'unheard';
  last_heard_at: string | null;
  silent_since: string | null;
  undated_at?: string | null;
  storage_point: { id: string; name: string } | null;
  outbox: { id: string | null; waiting: number | null; lost: number[][]; durable: number[][] } | null;
  status: Record<string, unknown> | null;
  ended_at?: string | null;
}
export interface Spoken {
  bridge_id: string;
  device_id: string;
  hardware_id: string;
  from: string | null;
  to: string | null;
}
export interface Speech {
  dialect: string;
  hardware_id: string | null;
  topics: string[];
  probes: Record<string, string>;
  mapping: string | null;
  zone: string;
  speaks_for: Spoken[];
  spoken_for: Spoken[];
}
export interface DialectShown {
  name: string;
  title: string;
  understands: string;
  topics: string[];
  bridge_topics: string[];
}
export interface HeardReading {
  hardware_id: string | null;
  sensor: string;
  unit: string;
  measured_at: string | null;
  value: number | null;
  fault: string | null;
  device_id: string | null;
  storage_point: { id: string; name: string } | null;
  reason: string | null;
  detail: string | null;
}
export interface HeardMessage {
  number: number;
  received_at: string;
  topic: string;
  size: number;
  payload: string;
  is_text: boolean;
  is_retained: boolean;
  dialect: string;
  verdict: string;
  reason: string | null;
  detail: string | null;
  readings: HeardReading[];
}
export interface Stranger {
  hardware_id: string;
  last_at: string;
  count: number;
  readings: HeardReading[];
}
export interface HeardShown {
  items: HeardMessage[];
  strangers: Stranger[];
}
export interface ChannelShown {
  device_id: string;
  sensor: string;
  quantity: string;
  role: string;
  unit: string;
  celsius: number | null;
  value: number | null;
  is_on: boolean | null;
  fault: string | null;
  measured_at: string | null;
}
export interface DeviceInFull extends Device {
  speech: Speech;
  sensors?: { sensor: string; unit: string; celsius: number | null; fault: string | null; measured_at: string | null }[];
  placements?: {
    id: string;
    sensor: string;
    role: string;
    storage_point: { id: string; name: string };
    from: string | null;
    to: string | null;
  }[];
}
export interface Credentials {
  device_id: string;
  username: string;
  password: string;
  /** For devices that post to `/api/v1/{token}/telemetry`. */
  token: string;
  mqtt_url: string;
  topic: string;
  toml: string;
  qr_svg: string;
}
/** How a time divides, in % of all of it; null of no time at all. */
export interface Shares {
  in_range_pct: number | null;
  below_pct: number | null;
  above_pct: number | null;
  unknown_pct: number | null;
  min_c: number | null;
  max_c: number | null;
}
/** A day (`2026-01-05`), week (`2026-W02`) or month (`2026-01`) of the place. */
export interface Period extends Shares {
  label: string;
  from: string;
  to: string;
  partial: boolean;
}
export interface TimeInRange {
  zone: string;
  items: Period[];
  whole: Shares;
}
export interface Exposure {
  known_minutes: number;
  unknown_minutes: number;
  limits: { operator: string; limit_c: number; minutes: number }[];
  min_c: number | null;
  max_c: number | null;
  mean_kinetic_c: number | null;
  vvm: { type: string; share_of_life: number; percent: number; verified: string }[];
}
export interface ReadingShown {
  sensor: string;
  measured_at: string;
  celsius: number | null;
  fault?: string | null;
  unit?: string | null;
  value?: number | null;
}
export interface Refusal {
  id: number;
  device_id: string;
  hardware_id?: string | null;
  received_at: string;
  reason: string;
  detail: string;
  count: number;
  size: number;
  excerpt: string;
  released_by: string | null;
  released_at: string | null;
}
export interface Released {
  released: boolean;
  reason?: string | null;
  detail?: string | null;
}
export interface Imported {
  created: number;
  updated: number;
  errors: { line: number; reason: string; row: string[] }[];
  /** Of devices that the table let in; shown once. */
  credentials?: { device_id: string; password: string }[];
}
export interface Health {
  status: string;
  parts: Record<string, string>;
}

export interface Rule {
  code: string;
  quantity: 'temperature' | 'door' | 'power';
  operator: '>' | '>=' | '<' | '<=';
  limit_c: number | null;
  limit: number | null;
  mode: 'consecutive' | 'cumulative';
  duration_s: number;
  window_s: number | null;
  severity: 'alarm' | 'warning';
  sensor: string;
  source: string;
  verified: string;
}
/** One version: of a storage class, or of the storage point where there is one. */
export interface RuleSet {
  storage_class: string;
  storage_point: { id: string; name: string } | null;
  name: string;
  version: number;
  since: string | null;
  until: string | null;
  in_force: boolean;
  is_class_again: boolean;
  known_at: string;
  set_by: string | null;
  may_edit: boolean;
  rules: Rule[];
}
export interface PreviewedInterval {
  rule: string;
  kind: Side;
  severity: string;
  started_at: string;
  ended_at: string | null;
  extreme_c: number | null;
  minutes_out: number;
}
export interface Previewed {
  alarms: number;
  warnings: number;
  intervals: PreviewedInterval[];
}
export interface RulePreview {
  now: { alarms: number; warnings: number };
  proposed: { alarms: number; warnings: number };
  items: {
    storage_point: { id: string; name: string; place: PlaceRef };
    has_own_rules: boolean;
    now: Previewed;
    proposed: Previewed;
  }[];
  left: number;
}

export interface FileOfDevice {
  device_id: string;
  hardware_id: string;
  is_enrolled: boolean;
  new: number;
  known: number;
  faults: number;
  from: string | null;
  to: string | null;
}

/** What became of a logger's file. */
export interface FileTaken {
  form: string;
  model: string | null;
  zone: string;
  is_known: boolean;
  days: number;
  alarms: number;
  devices: FileOfDevice[];
}

/** A day as a logger saw it, or an alarm of its own. */
export interface Evidence {
  kind: 'day-summary' | 'device-alarm';
  device_id: string;
  source: string;
  from: string | null;
  to: string | null;
  day: string | null;
  lowest_c: number | null;
  highest_c: number | null;
  mean_c: number | null;
  lost_minutes: number | null;
  beyond: { side: 'low' | 'high'; limit_c: number; after_minutes: number; minutes: number }[];
  code: string | null;
  limit_c: number | null;
  after_minutes: number | null;
  minutes: number | null;
  is_cumulative: boolean | null;
  extreme_c: number | null;
}
