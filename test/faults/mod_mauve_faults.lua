-- For tests, in Prosody: refuses what a station sends, as FOLDER/RESOURCE says: "permanent" or "rate-limited".
local st = require "util.stanza";
local folder = module:get_option_string("mauve_faults_folder");

local refusals = {
  ["permanent"] = { "cancel", "item-not-found", "no such account" };
  ["rate-limited"] = { "wait", "resource-constraint", "too many messages, slow down" };
};

module:hook("pre-message/bare", function (event)
  local file = io.open(folder .. "/" .. event.origin.resource);
  if not file then return; end
  local refusal = refusals[file:read("*a")];
  file:close();
  if not refusal then return; end
  event.origin.send(st.error_reply(event.stanza, refusal[1], refusal[2], refusal[3]));
  return true;
end, 100);
