# record.tcl --
#
#	The record layer: bytes into records and back.  What is in a record, and
#	whether it is encrypted, is not known here.
#
#	A record is a dict of type, version, length and fragment (RFC 8446, 5.1),
#	with the names of type and version.

if {[namespace which ::pyossl::expect::wire::Get] eq ""} {
    source -encoding utf-8 [file join [file dirname [info script]] wire.tcl]
}

namespace eval ::pyossl::expect::record {}

# record::split bufferVar
#
#	Takes the complete records from the beginning of a buffer.
#
# Arguments:
#	bufferVar	The name of a variable in the caller. What is left in
#		it is the beginning of a record that is not complete.
# Results:
#	A list of records, in their order.
# Errors:
#	None: any five bytes are the head of a record.
# Source:
#	RFC 8446, 5.1
proc ::pyossl::expect::record::split {bufferVar} {
    upvar 1 $bufferVar buffer
    set names [namespace parent]::names
    set result {}
    set at 0
    set size [string length $buffer]
    while {$at + 5 <= $size} {
	binary scan $buffer @${at}cuSuSu type version length
	set end [expr {$at + 5 + $length}]
	if {$end > $size} {
	    break
	}
	lappend result [list type [${names}::name content_type $type] \
	    version [${names}::name version $version] length $length \
	    fragment [string range $buffer $at+5 $end-1]]
	set at $end
    }
    if {$at > 0} {
	set buffer [string range $buffer $at end]
    }
    return $result
}

# record::build type version bytes ?length?
#
#	The bytes of one record.
#
# Arguments:
#	type, version	Names or numbers.
#	length	What its head says; its true length if not given or empty.
# Results:
#	Bytes.
# Errors:
#	PYOSSL EXPECT ENCODE if a name is unknown, a number does not fit, or
#	the bytes are more than a length can tell and none is given.
# Source:
#	RFC 8446, 5.1
proc ::pyossl::expect::record::build {type version bytes {length {}}} {
    set wire [namespace parent]::wire
    return [${wire}::Code 1 content_type $type type][${wire}::Code 2 \
	version $version version][${wire}::Prefixed 2 $bytes $length fragment]
}

# record::bytes record -- the bytes of a record that is given as a dict.
proc ::pyossl::expect::record::bytes {record} {
    set length {}
    if {[dict exists $record length]} {
	set length [dict get $record length]
    }
    return [build [dict get $record type] [dict get $record version] \
	[dict get $record fragment] $length]
}

# record::alert level description --
#	The two bytes of an alert.
# Errors:
#	PYOSSL EXPECT NAME, PYOSSL EXPECT ENCODE for a number that is no byte
proc ::pyossl::expect::record::alert {level description} {
    set names [namespace parent]::names
    set wire [namespace parent]::wire
    return [${wire}::Integer 1 [${names}::code alert_level $level] level][
	${wire}::Integer 1 [${names}::code alert $description] description]
}
