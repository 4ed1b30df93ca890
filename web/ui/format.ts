// Numbers, times and durations for people. Times are shown in the browser's zone, always with a tooltip in UTC.
import { text } from './text';

const kUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

export function bytes(value: number): string {
  let unit = 0;
  let scaled = value;
  while (scaled >= 1024 && unit < kUnits.length - 1) {
    scaled /= 1024;
    ++unit;
  }
  const digits = unit === 0 || scaled >= 100 ? 0 : 1;
  return `${scaled.toFixed(digits)} ${kUnits[unit]}`;
}

export function count(value: number): string {
  return value.toLocaleString(text.locale);
}

function pair(seconds: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${largeName}${rest > 0 ? ` ${rest} ${smallName}` : ''}`;
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return pair(whole, 60, 'min', 1, 's');
  if (whole < 86_400) return pair(whole, 3600, 'h', 60, 'min');
  return pair(whole, 86_400, 'd', 3600, 'h');
}

export function between(start: string, end: string): string {
  return duration((Date.parse(end) - Date.parse(start)) / 1000);
}

export function dateTime(time: string): string {
  const date = new Date(time);
  return `${localDay(date)} ${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
}

/// "2026-03-01", by the browser's zone.
export function localDay(date: Date): string {
  return `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, '0')}-${String(date.getDate()).padStart(2, '0')}`;
}

export function monthName(date: Date): string {
  return date.toLocaleDateString(text.locale, { month: 'short' });
}

export function relative(time: string, now = Date.now()): string {
  const seconds = (now - Date.parse(time)) / 1000;
  const size = Math.abs(seconds);
  const amount =
    size < 60
      ? null
      : size < 3600
        ? text.time.minutes(Math.round(size / 60))
        : size < 86_400
          ? text.time.hours(Math.round(size / 3600))
          : text.time.days(Math.round(size / 86_400));
  if (amount === null) return seconds >= 0 ? text.time.justNow : text.time.soon;
  return seconds >= 0 ? text.time.ago(amount) : text.time.ahead(amount);
}

/// A span that is only estimated: "5 days", "3 weeks", "8 months".
export function inDays(days: number): string {
  if (days < 14) return text.time.days(Math.max(0, Math.floor(days)));
  if (days < 60) return text.time.weeks(Math.round(days / 7));
  if (days < 730) return text.time.months(Math.round(days / 30.4));
  return text.time.years(Math.round(days / 365));
}

/// "12.0 ×": how many bytes of guests one byte in the repository stands for.
export function factor(logical: number, stored: number): string {
  return stored > 0 && logical > 0 ? `${(logical / stored).toFixed(1)} ×` : '–';
}

export function shortId(id: string): string {
  return id.slice(0, 8);
}

/// True if a policy's patterns name the VM; the appliance decides, this only previews.
export function matchesPattern(pattern: string, vm: { id: string; name: string; host: string }): boolean {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  const expression = new RegExp(`^${escaped}$`, 'i');
  return expression.test(vm.name) || expression.test(vm.id) || expression.test(`${vm.host}/${vm.name}`);
}

export function clock(time: string): string {
  return new Date(time).toLocaleTimeString(text.locale);
}
