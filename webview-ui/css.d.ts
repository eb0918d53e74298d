/** Style sheets are imported for the bundler's sake: it makes one dist/webview.css of them. */
declare module '*.css';
