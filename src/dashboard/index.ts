/**
 * `millrace/dashboard`: a page that shows what a cluster does. It serves the page and a stream of what `src/introspection` sees to browsers of this machine,
 * or to those that have a token. It must load nothing from elsewhere, and measure nothing while no browser is connected.
 */
export { dashboard, type Dashboard, type DashboardServerOptions } from './server.js';
export { dashboardHandler, type DashboardHandler, type DashboardOptions, type WatchedCluster } from './handler.js';
