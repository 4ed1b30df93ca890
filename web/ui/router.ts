// Where the reader is: the part of the address behind "#".
import { useEffect, useState } from 'preact/hooks';

export type Route = { parts: string[]; query: URLSearchParams };

function currentRoute(): Route {
  const [path = '', search = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });
  return { parts, query: new URLSearchParams(search) };
}

export function href(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

/// Two hosts can have a machine of one GUID: the address names both. No host: the machine came from files.
export function vmHref(vm: { id: string; host: string }): string {
  return `${href('vms', vm.id)}?host=${encodeURIComponent(vm.host)}`;
}

export function restoreHref(vm: { id: string; host: string }): string {
  return `${href('restore')}?vm=${encodeURIComponent(vm.id)}&host=${encodeURIComponent(vm.host)}`;
}

/// A place in the files of a point, as deep as it is known: its disk, the partition, the folder by its names.
export function filesHref(point: string, ...place: Array<string | number>): string {
  return href('files', point, ...place.map(String));
}

export function filesOfVmHref(vm: { id: string; host: string }): string {
  return `${href('files')}?vm=${encodeURIComponent(vm.id)}&host=${encodeURIComponent(vm.host)}`;
}

/// The same address as the place of a file, looked at through all points.
export function versionsHref(point: string, ...place: Array<string | number>): string {
  return `${filesHref(point, ...place)}?view=versions`;
}

/// Where to look for a name: one machine, one point, or everywhere.
export type SearchPlace = { vm?: string | null; host?: string | null; point?: string | null };

export function searchHref(name: string, { vm, host, point }: SearchPlace = {}): string {
  const query = new URLSearchParams({ name });
  for (const [key, value] of Object.entries({ vm, host, point })) if (value != null) query.set(key, value);
  return `${href('files')}?${query}`;
}

export function go(...parts: string[]): void {
  location.hash = href(...parts);
}

/// To a host that was just added or changed: the doctor looks at it at once.
export function goExamine(host: string): void {
  location.hash = `${href('hosts', host)}?examine`;
}

/// The same page without what its address asked for: reloaded, it does not ask again.
export function forgetQuery(address: string): void {
  history.replaceState(null, '', address);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useRoute(): Route {
  const [route, setRoute] = useState(currentRoute);
  useEffect(() => {
    const update = () => setRoute(currentRoute());
    addEventListener('hashchange', update);
    return () => removeEventListener('hashchange', update);
  }, []);
  return route;
}

/// Takes the one-time token out of "#token=..." or of a whole pasted link; '' if there is none.
export function takeToken(link: string): string {
  return /[#&?]token=([^&\s]+)/.exec(link)?.[1] ?? '';
}
