// A login link is /login#TOKEN: the part after # is not sent to the server, so that no log holds it.
"use strict";
const token = location.hash.slice(1);
if (token) {
  history.replaceState(null, "", location.pathname); // nor does the browser's history
  document.getElementById("token").value = token;
  document.getElementById("login").requestSubmit();
}
