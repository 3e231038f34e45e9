//! Linear models: logistic regression, ridge, support vector machines.
