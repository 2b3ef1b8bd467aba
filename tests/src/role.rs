//! The roles of the template, and clients that work under them.

use std::collections::BTreeSet;
use std::io::Write as _;

use serde_norway::Value;
use stevedore_aws::interceptors::{
    BeforeTransmitInterceptorContextRef, BoxError, ConfigBag, Intercept, RuntimeComponents, SharedInterceptor,
};

use crate::calls::{Call, calls_of};
use crate::template::{each, role_statements, target, template, text};

/// Grants of a function's role: actions on the template's resources.
pub fn granted(template: &Value, function: &str) -> BTreeSet<Call> {
    let role = target(&template["Resources"][function]["Properties"]["Role"]);
    let statements = role_statements(template).into_iter().filter(|(name, _)| *name == role).map(|(_, statement)| statement);
    statements
        .flat_map(|statement| each(&statement["Action"]).into_iter().map(move |action| (action, statement)))
        .flat_map(|(action, statement)| each(&statement["Resource"]).into_iter().map(move |resource| (action, resource)))
        .map(|(action, resource)| {
            let name = text(resource);
            // `!GetAtt Name.Arn`, `!Ref Name` or `!Sub ${Name.Arn}/index/…`.
            let name = name.trim_start_matches("${").replace('}', "").replace(".Arn", "");
            (text(action).to_owned(), name)
        })
        .collect()
}

/// Refuses calls that a function's role does not grant, as AWS does.
#[derive(Debug)]
struct Role {
    function: &'static str,
    granted: BTreeSet<Call>,
}

/// An interceptor that limits clients to a function's own role, so that every flow also tests the
/// role.
pub fn role_of(function: &'static str) -> SharedInterceptor {
    SharedInterceptor::new(Role { function, granted: granted(&template(), function) })
}

impl Intercept for Role {
    fn name(&self) -> &'static str {
        "role"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match calls_of(context)?.into_iter().find(|call| !self.granted.contains(call)) {
            None => Ok(()),
            Some((action, resource)) => {
                let why = format!("infra/template.yaml: {} needs {action} on {resource}", self.function);
                // Printed because the function itself may take this for a temporary fault.
                writeln!(std::io::stderr(), "{why}")?;
                Err(why.into())
            }
        }
    }
}
