#!/bin/sh
# Gives the application the directory role User Administrator in one client's directory (P-16: permissions alone are answered with 403).
# Needs the Azure CLI, signed in to that directory as Privileged Role Administrator: az login --tenant <directory> --allow-no-subscriptions
# Usage: entra-role.sh <client id of the application>
set -eu
client_id=${1:?usage: entra-role.sh <client id of the application>}
graph=https://graph.microsoft.com/v1.0

principal=$(az rest --url "$graph/servicePrincipals(appId='$client_id')" --query id --output tsv)
# The id of the built-in role is the same in every directory; it is looked up all the same.
role=$(az rest --url "$graph/roleManagement/directory/roleDefinitions" --uri-parameters "\$filter=displayName eq 'User Administrator'" --query 'value[0].id' --output tsv)
az rest --method post --url "$graph/roleManagement/directory/roleAssignments" \
  --body "{\"principalId\": \"$principal\", \"roleDefinitionId\": \"$role\", \"directoryScopeId\": \"/\"}" --output none
echo "done: the role takes some minutes to count"
